import {
  eventsThatStop,
  type ExtensionEvent,
  extensionEvent,
  extensionEvents,
} from "./extension_events.ts";
import type { Field, FieldTable } from "./field.ts";
import { hostAlone, listener } from "./host_port.ts";
import { environmentName, moduleGrant } from "./payload_types.ts";
import {
  filePath,
  listOf,
  oneOf,
  plainText,
  serviceUrl,
  trueOrFalse,
  wholeNumber,
} from "./value_types.ts";

/** Directories, ports, logging and status of the agent itself. */
export const agentFields = {
  stateDir: {
    key: "state.dir",
    type: filePath,
    computedDefault: "<home>/state",
    meaning: "Where the agent keeps what must survive a restart; mode 0700.",
    own: true,
  },
  logDir: {
    key: "log.dir",
    type: filePath,
    computedDefault: "/var/log/apache-stratos when it exists and is writable, else <home>/logs",
    meaning: "Directory of the agent's own logs.",
    own: true,
  },
  logFormat: {
    key: "log.format",
    type: oneOf("text", "json"),
    default: "text",
    meaning: "How lines of the agent's logs look.",
    own: true,
  },
  logLevel: {
    key: "LOG_LEVEL",
    environment: ["LOG_LEVEL"],
    type: plainText,
    default: "INFO",
    meaning:
      "What logging.ini means by its token LOG_LEVEL: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
  },
  listenAddress: {
    key: "listen.address",
    environment: ["LISTEN_ADDR"],
    type: hostAlone,
    default: "localhost",
    meaning: "Where the ports of PORTS are probed.",
    tokens: ["LISTEN_ADDR"],
  },
  portCheckTimeout: {
    key: "port.check.timeout",
    environment: ["PORT_CHECK_TIMEOUT"],
    type: wholeNumber(1, 604_800_000),
    default: "600000",
    unit: "milliseconds",
    meaning: "How long the ports of PORTS are waited for before one error names the closed ones.",
    tokens: ["PORT_CHECK_TIMEOUT"],
  },
  metadataUrl: {
    key: "metadata.service.url",
    environment: ["METADATA_SERVICE_URL"],
    type: serviceUrl,
    meaning: "The metadata service.",
    tokens: ["METADATA-SERVICE-URL"],
  },
  metadataTlsCaFile: {
    key: "metadata.tls.ca.file",
    type: filePath,
    meaning: "PEM file with the authorities that the metadata service is verified against.",
    own: true,
  },
  metadataTlsVerify: {
    key: "metadata.tls.verify",
    type: trueOrFalse,
    default: "true",
    meaning: "Verify the certificate of the metadata service. false accepts any.",
    own: true,
  },
  metadataTlsVerifyName: {
    key: "metadata.tls.verify.name",
    type: trueOrFalse,
    default: "true",
    meaning: "Verify that the certificate of the metadata service is for its name.",
    own: true,
  },
  telemetryEndpoint: {
    key: "otel.exporter.otlp.endpoint",
    type: serviceUrl,
    meaning:
      "Where Deno sends traces and metrics by OTLP, when OTEL_DENO=true is set as well. Both " +
      "count in the environment only.",
    own: true,
  },
  statusListen: {
    key: "status.listen",
    type: listener,
    default: "127.0.0.1:9463",
    meaning: "Address of the status endpoint, or off. Any but a loopback address needs " +
      "status.token.file.",
    own: true,
  },
  statusTokenFile: {
    key: "status.token.file",
    type: filePath,
    meaning: "File with the token that the status endpoint asks for, as a bearer token.",
    own: true,
  },
  serviceManager: {
    key: "service.manager",
    type: oneOf("none", "systemd"),
    default: "none",
    meaning:
      "Who started the agent and wants to hear of it: systemd is told when the agent is ready, " +
      "that it is alive, and that it ends. A unit that the command systemd-unit prints sets it.",
    own: true,
  },
  shutdownTimeout: {
    key: "shutdown.timeout",
    type: wholeNumber(1, 3600),
    default: "10",
    unit: "seconds",
    meaning: "Time for an orderly end.",
    own: true,
  },
} as const satisfies FieldTable;

/** How extensions run. */
export const extensionFields = {
  lbPrivateIp: {
    key: "lb.private.ip",
    environment: ["LB_PRIVATE_IP"],
    type: plainText,
    meaning: "Given to extensions when the topology has no load balancer member.",
    tokens: ["LB_PRIVATE_IP"],
  },
  lbPublicIp: {
    key: "lb.public.ip",
    environment: ["LB_PUBLIC_IP"],
    type: plainText,
    meaning: "Given to extensions when the topology has no load balancer member.",
    tokens: ["LB_PUBLIC_IP"],
  },
  timeout: {
    key: "extension.timeout",
    type: wholeNumber(1, 604_800),
    default: "900",
    unit: "seconds",
    meaning: "Time limit of one run of an extension.",
    own: true,
  },
  grace: {
    key: "extension.grace",
    type: wholeNumber(0, 600),
    default: "5",
    unit: "seconds",
    meaning: "Time between TERM and KILL when an extension is stopped.",
    own: true,
  },
  required: {
    key: "extension.required",
    type: listOf(extensionEvent, ",", `events, comma separated, of: ${extensionEvents.join(", ")}`),
    meaning: "Events whose failed extension stops the lifecycle step; these can: " +
      `${eventsThatStop.join(", ")}.`,
    own: true,
  },
  environment: {
    key: "extension.environment",
    type: listOf(environmentName, ",", "names of the environment, comma separated"),
    computedDefault: "everything but secrets",
    meaning: "Names of the agent's environment that extensions get.",
    own: true,
  },
  allowedModules: {
    key: "extension.modules.allow",
    type: listOf(moduleGrant, ",", "module or module:permission, comma separated"),
    computedDefault: "none",
    meaning: "TypeScript extension modules that may run, and the permissions they may ask for.",
    own: true,
  },
} as const satisfies FieldTable;

/** Time limits of single events, one setting for each. */
export const extensionTimeoutFields: readonly (readonly [ExtensionEvent, Field<number>])[] =
  extensionEvents.map((event) => [event, {
    key: `extension.timeout.${event}`,
    type: extensionFields.timeout.type,
    computedDefault: "extension.timeout",
    unit: "seconds",
    meaning: "Time limit of the extension of one event. In the environment the event is in upper " +
      "case, e.g. EXTENSION_TIMEOUT_STARTSERVERS.",
    own: true,
    family: "extension.timeout.<Event>",
  }]);
