import type {
  BrokerConfig,
  CepConfig,
  HostPort,
  LogPublisherConfig,
  ReceiverGroup,
  ReceiverTls,
  TlsFiles,
} from "./agent_config.ts";
import { resolve } from "node:path";
import { Secret } from "../base/secret.ts";
import { brokerFields } from "./broker_fields.ts";
import { cepFields, logPublisherFields } from "./cep_fields.ts";
import { showHostPort } from "./host_port.ts";
import { sourceKinds } from "./lookup.ts";
import { defined, type SettingReader } from "./reader.ts";
import { showGroup } from "./receiver_groups.ts";
import type { Field } from "./field.ts";

/** A path of a setting, absolute: relative ones are meant from the home. */
export function absolutePath(reader: SettingReader, field: Field<string>): string | undefined {
  const path = reader.value(field);
  return path === undefined ? undefined : resolve(reader.sources.home, path);
}

/** The broker section; `undefined` when no broker is known. */
export function brokerConfig(reader: SettingReader): BrokerConfig | undefined {
  const urls = brokers(reader);
  const username = reader.value(brokerFields.username);
  const password = reader.value(brokerFields.password);
  if (password && username === undefined) {
    reader.warnings.push("mb.password is set without mb.username: MQTT knows no password alone");
  }
  const tls = brokerTls(reader);
  const publisherTimeoutMs = reader.value(brokerFields.publisherTimeout) * 1000;
  const maxMessageBytes = reader.value(brokerFields.limitBytes);
  if (!urls) return undefined;
  return { urls, ...defined({ username, password, tls }), maxMessageBytes, publisherTimeoutMs };
}

/**
 * mb.urls from any source wins over mb.ip and mb.port from any; what is wrong with these is a problem
 * all the same, or it would only show when mb.urls is taken away.
 */
function brokers(reader: SettingReader): readonly HostPort[] | undefined {
  const host = reader.value(brokerFields.ip);
  const port = reader.value(brokerFields.port);
  if (reader.strongest(brokerFields.urls)) return reader.value(brokerFields.urls);
  const hostIsSet = reader.strongest(brokerFields.ip) !== undefined;
  const portIsSet = reader.strongest(brokerFields.port) !== undefined;
  if (!hostIsSet && !portIsSet) {
    reader.missing(brokerFields.urls, "not set, and neither are mb.ip and mb.port");
  } else if (!hostIsSet) reader.missing(brokerFields.ip, "not set, but mb.port is");
  else if (!portIsSet) reader.missing(brokerFields.port, "not set, but mb.ip is");
  if (host === undefined || port === undefined) return undefined;
  const broker = { host, port };
  reader.compute(brokerFields.urls, showHostPort(broker), "from mb.ip and mb.port");
  return [broker];
}

function brokerTls(reader: SettingReader): TlsFiles | undefined {
  const { caFile, certFile, keyFile } = brokerFields;
  const files = {
    caFile: absolutePath(reader, caFile),
    certFile: absolutePath(reader, certFile),
    keyFile: absolutePath(reader, keyFile),
  };
  if (files.certFile !== undefined && files.keyFile === undefined) {
    reader.missing(keyFile, "not set, but mb.cert.file is");
  }
  if (files.keyFile !== undefined && files.certFile === undefined) {
    reader.missing(certFile, "not set, but mb.key.file is");
  }
  if (reader.value(brokerFields.tls)) return defined(files);
  const unused = [caFile, certFile, keyFile].filter((field) => reader.strongest(field))
    .map(({ key }) => key);
  if (unused.length > 0) {
    reader.warnings.push(
      `${unused.join(", ")} without mb.tls=true: the connection is not encrypted`,
    );
  }
  return undefined;
}

/** The section of the event receivers; `undefined` when neither a receiver nor a broker is known. */
export function cepConfig(
  reader: SettingReader,
  broker: BrokerConfig | undefined,
): CepConfig | undefined {
  const groups = receivers(reader, broker?.urls[0]?.host);
  const username = reader.value(cepFields.username);
  const password = reader.value(cepFields.password);
  const tls = receiverTls(reader);
  return groups ? { groups, username, password, tls } : undefined;
}

/**
 * CEP_URLS, or CEP_IP and CEP_PORT, are one setting: the strongest source that has either decides;
 * within a source the list wins.
 */
function receivers(
  reader: SettingReader,
  brokerHost: string | undefined,
): readonly ReceiverGroup[] | undefined {
  if (rankOf(reader, cepFields.urls) <= rankOf(reader, cepFields.ip)) {
    if (reader.strongest(cepFields.urls)) return reader.value(cepFields.urls);
  }
  const host = reader.value(cepFields.ip) ??
    (reader.strongest(cepFields.ip) ? undefined : brokerHost);
  const port = reader.value(cepFields.port);
  if (host === undefined) return undefined;
  const group: ReceiverGroup = { mode: "failover", receivers: [{ host, port }] };
  reader.compute(cepFields.ip, host, "from the first broker");
  reader.compute(
    cepFields.urls,
    showGroup(group),
    "from thrift.receiver.ip and thrift.receiver.port",
  );
  return [group];
}

function rankOf(reader: SettingReader, field: Field): number {
  const source = reader.strongest(field)?.source;
  return source === undefined ? sourceKinds.length : sourceKinds.indexOf(source);
}

function receiverTls(reader: SettingReader): ReceiverTls {
  return {
    ...defined({ caFile: absolutePath(reader, cepFields.tlsCaFile) }),
    verify: reader.value(cepFields.tlsVerify),
    verifyName: reader.value(cepFields.tlsVerifyName),
  };
}

/** The section of the log publisher; `undefined` when neither its server nor a broker is known. */
export function logPublisherConfig(
  reader: SettingReader,
  broker: BrokerConfig | undefined,
): LogPublisherConfig | undefined {
  const { home } = reader.sources;
  const port = reader.value(logPublisherFields.securePort);
  // Accepted, checked and not used: what is published goes over TLS.
  reader.value(logPublisherFields.port);
  const section = {
    enabled: reader.value(logPublisherFields.enabled),
    username: reader.value(logPublisherFields.username),
    password: reader.value(logPublisherFields.password),
    tls: receiverTls(reader),
    paths: (reader.value(logPublisherFields.paths) ?? []).map((path) => resolve(home, path)),
    streamAlias: reader.value(logPublisherFields.streamAlias),
    ...defined({ multilineStart: reader.value(logPublisherFields.multilineStart) }),
  };
  const isSet = reader.strongest(logPublisherFields.ip) !== undefined;
  const host = isSet ? reader.value(logPublisherFields.ip) : broker?.urls[0]?.host;
  if (host === undefined) return undefined;
  reader.compute(logPublisherFields.ip, host, "from the first broker");
  if (section.enabled && section.paths.length === 0) {
    reader.warnings.push("enable.data.publisher is on, but log.file.paths names no file");
  }
  return { ...section, receiver: { host, port } };
}

/** The password that receivers have as shipped; everybody knows it. */
export const shippedPassword = "admin";

/** Whether a password has to be kept out of sight. */
export function isConfidential(password: Secret): boolean {
  return password.open() !== shippedPassword;
}
