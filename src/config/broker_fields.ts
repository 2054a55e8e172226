import type { FieldTable } from "./field.ts";
import { hostAlone, hostsAndPorts } from "./host_port.ts";
import { filePath, plainText, secretText, trueOrFalse, wholeNumber } from "./value_types.ts";

/** The message broker of the platform. */
export const brokerFields = {
  urls: {
    key: "mb.urls",
    environment: ["MB_URLS"],
    type: hostsAndPorts,
    computedDefault: "from mb.ip and mb.port",
    meaning:
      "Message brokers, tried in order, failing over. Wins over mb.ip and mb.port, wherever " +
      "each was set.",
    tokens: ["MB-URLS"],
  },
  ip: {
    key: "mb.ip",
    environment: ["MB_IP"],
    type: hostAlone,
    meaning: "Host of a single broker. It or mb.urls is required.",
    tokens: ["MB-IP"],
  },
  port: {
    key: "mb.port",
    environment: ["MB_PORT"],
    type: wholeNumber(1, 65535),
    meaning:
      "Port of a single broker. A value of the form tcp://… is a service link of Kubernetes " +
      "and is ignored.",
    tokens: ["MB-PORT"],
    mayBeServiceLink: true,
  },
  username: {
    key: "mb.username",
    environment: ["MB_USERNAME"],
    type: plainText,
    meaning: "User name at the brokers.",
    tokens: ["MB-USERNAME"],
  },
  password: {
    key: "mb.password",
    environment: ["MB_PASSWORD"],
    fileVariable: "MB_PASSWORD_FILE",
    type: secretText,
    meaning: "Password at the brokers.",
    tokens: ["MB-PASSWORD"],
    secret: true,
  },
  publisherTimeout: {
    key: "mb.publisher.timeout",
    environment: ["MB_PUBLISHER_TIMEOUT"],
    type: wholeNumber(1, 604_800),
    default: "900",
    unit: "seconds",
    meaning:
      "A status event that is unacknowledged for longer is warned about. It is never dropped.",
    tokens: ["MB-PUBLISHER-TIMEOUT"],
  },
  limitBytes: {
    key: "mb.limit.bytes",
    type: wholeNumber(65_536, 268_435_456),
    default: "67108864",
    unit: "bytes",
    meaning: "Largest message of the platform that is read; a larger one is passed over.",
    own: true,
  },
  tls: {
    key: "mb.tls",
    type: trueOrFalse,
    default: "false",
    meaning: "Use TLS to the brokers.",
    own: true,
  },
  caFile: {
    key: "mb.ca.file",
    type: filePath,
    meaning: "PEM file with the authorities that brokers are verified against; without it the " +
      "system's.",
    own: true,
  },
  certFile: {
    key: "mb.cert.file",
    type: filePath,
    meaning: "PEM file with the client certificate for the brokers. Needs mb.key.file.",
    own: true,
  },
  keyFile: {
    key: "mb.key.file",
    type: filePath,
    meaning: "PEM file with the key of the client certificate. Needs mb.cert.file.",
    own: true,
  },
} as const satisfies FieldTable;
