import type { FieldTable } from "./field.ts";
import { hostAlone } from "./host_port.ts";
import { linePattern } from "./line_pattern.ts";
import { receiverGroups } from "./receiver_groups.ts";
import {
  filePath,
  listOf,
  oneOf,
  plainText,
  secretText,
  trueOrFalse,
  wholeNumber,
} from "./value_types.ts";

/** The complex event processor, which gets health statistics. */
export const cepFields = {
  urls: {
    key: "thrift.receiver.urls",
    environment: ["CEP_URLS"],
    type: receiverGroups,
    computedDefault: "host of the first broker, port 7711",
    meaning:
      "Event receivers (TLS login port). Every event goes to each group: host:port is a group " +
      "of one, {a|b} fails over, {a,b} takes turns.",
    tokens: ["CEP-URLS", "CEP-IP:CEP-PORT"],
  },
  ip: {
    key: "thrift.receiver.ip",
    environment: ["CEP_IP"],
    type: hostAlone,
    computedDefault: "host of the first broker",
    meaning:
      "Host of a single receiver, where thrift.receiver.urls is not set in the same source or " +
      "a stronger one.",
    tokens: ["CEP-IP"],
  },
  port: {
    key: "thrift.receiver.port",
    environment: ["CEP_PORT"],
    type: wholeNumber(1, 65535),
    default: "7711",
    meaning:
      "Port of a single receiver. A value of the form tcp://… is a service link of Kubernetes " +
      "and is ignored.",
    tokens: ["CEP-PORT"],
    mayBeServiceLink: true,
  },
  username: {
    key: "thrift.server.admin.username",
    environment: ["CEP_USERNAME"],
    type: plainText,
    default: "admin",
    meaning: "User name at the receivers.",
    tokens: ["CEP-ADMIN-USERNAME"],
  },
  password: {
    key: "thrift.server.admin.password",
    environment: ["CEP_PASSWORD"],
    fileVariable: "CEP_PASSWORD_FILE",
    type: secretText,
    default: "admin",
    meaning: "Password at the receivers.",
    tokens: ["CEP-ADMIN-PASSWORD"],
    secret: true,
  },
  tlsCaFile: {
    key: "thrift.tls.ca.file",
    type: filePath,
    meaning:
      "PEM file with the authorities that event and monitoring receivers are verified against.",
    own: true,
  },
  tlsVerify: {
    key: "thrift.tls.verify",
    type: trueOrFalse,
    default: "true",
    meaning: "Verify the certificates of event and monitoring receivers. false accepts any.",
    own: true,
  },
  tlsVerifyName: {
    key: "thrift.tls.verify.name",
    type: trueOrFalse,
    default: "true",
    meaning: "Compare the name in the certificate with the host. false accepts any name.",
    own: true,
  },
} as const satisfies FieldTable;

/** Health statistics. */
export const healthFields = {
  enabled: {
    key: "cep.stats.publisher.enabled",
    environment: ["ENABLE_HEALTH_PUBLISHER"],
    type: trueOrFalse,
    default: "true",
    meaning: "Publish health statistics.",
    tokens: ["ENABLE_HEALTH_PUBLISHER"],
  },
  interval: {
    key: "stats.notifier.interval",
    type: wholeNumber(1, 3600),
    default: "15",
    unit: "seconds",
    meaning: "Time between health statistics. Above 30 is warned about: the platform declares a " +
      "member faulty after 60 s without any.",
  },
  checkPorts: {
    key: "health.ports.check",
    type: trueOrFalse,
    default: "false",
    meaning: "Report ports of PORTS that close after activation; the platform then declares the " +
      "member faulty at once.",
    own: true,
  },
} as const satisfies FieldTable;

/** Log lines for the monitoring server. */
export const logPublisherFields = {
  enabled: {
    key: "enable.data.publisher",
    environment: ["ENABLE_DATA_PUBLISHER"],
    type: trueOrFalse,
    default: "false",
    meaning: "Publish the lines of log.file.paths to the monitoring server.",
    tokens: ["ENABLE-DATA-PUBLISHER"],
  },
  ip: {
    key: "monitoring.server.ip",
    environment: ["MONITORING_SERVER_IP"],
    type: hostAlone,
    computedDefault: "host of the first broker",
    meaning: "Host of the monitoring server.",
    tokens: ["MONITORING-SERVER-IP"],
  },
  port: {
    key: "monitoring.server.port",
    environment: ["MONITORING_SERVER_PORT"],
    type: wholeNumber(1, 65535),
    default: "7611",
    meaning: "Plain port of the monitoring server: accepted, not used.",
    tokens: ["MONITORING-SERVER-PORT"],
  },
  securePort: {
    key: "monitoring.server.secure.port",
    environment: ["MONITORING_SERVER_SECURE_PORT"],
    type: wholeNumber(1, 65535),
    default: "7711",
    meaning: "TLS port of the monitoring server.",
    tokens: ["MONITORING-SERVER-SECURE-PORT"],
  },
  username: {
    key: "monitoring.server.admin.username",
    environment: ["MONITORING_SERVER_ADMIN_USERNAME"],
    type: plainText,
    default: "admin",
    meaning: "User name at the monitoring server.",
    tokens: ["MONITORING-SERVER-ADMIN-USERNAME"],
  },
  password: {
    key: "monitoring.server.admin.password",
    environment: ["MONITORING_SERVER_ADMIN_PASSWORD"],
    fileVariable: "MONITORING_SERVER_ADMIN_PASSWORD_FILE",
    type: secretText,
    default: "admin",
    meaning: "Password at the monitoring server.",
    tokens: ["MONITORING-SERVER-ADMIN-PASSWORD"],
    secret: true,
  },
  paths: {
    key: "log.file.paths",
    environment: ["LOG_FILE_PATHS"],
    type: listOf(filePath, "|", "paths separated by |"),
    meaning: "Files whose new lines are published, separated by |. *, ? and [a-z] match within a " +
      "name, also of files that appear later.",
    tokens: ["LOG_FILE_PATHS"],
  },
  multilineStart: {
    key: "multiline.start",
    type: linePattern,
    meaning: "A line that matches this starts a message; lines that do not, such as those of a " +
      "stack trace, are joined to the one before. Without it every line is a message.",
    own: true,
  },
  streamAlias: {
    key: "log.stream.alias",
    type: oneOf("full", "first"),
    default: "full",
    meaning: "What the name of the log stream says of the cluster: full is CLUSTER_ID, first its " +
      "part before the first dot.",
    own: true,
  },
} as const satisfies FieldTable;
