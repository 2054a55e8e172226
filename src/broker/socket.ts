import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { cannot, reasonOf } from "../base/errors.ts";
import type { HostPort, TlsFiles } from "../config/agent_config.ts";
import { nameOf } from "./link.ts";

/**
 * Gets everything ready for a connection: checks the permission, reads the TLS files.
 *
 * The files are read every time, so that rotated certificates are picked up.
 *
 * @returns Opens the socket; failures come as its events.
 * @throws AgentError of kind `permission` (the library would only wait for ever) or `configuration`.
 */
export async function prepareSocket(broker: HostPort, tls?: TlsFiles): Promise<() => Socket> {
  const name = nameOf(broker);
  const { state } = await Deno.permissions.query({ name: "net", host: name });
  if (state !== "granted") {
    throw cannot("connect to", name, `the agent lacks --allow-net=${name}`, { kind: "permission" });
  }
  if (!tls) return () => connectTcp({ host: broker.host, port: broker.port, noDelay: true });
  const [ca, cert, key] = await Promise.all([
    readPem("CERTIFICATE", tls.caFile),
    readPem("CERTIFICATE", tls.certFile),
    readPem("PRIVATE KEY", tls.keyFile),
  ]);
  return () =>
    connectTls({
      host: broker.host,
      port: broker.port,
      ...(isIP(broker.host) === 0 ? { servername: broker.host } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
}

async function readPem(kind: string, path?: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const wrong = (reason: string, cause?: unknown) =>
    cannot("read", path, reason, { kind: "configuration", cause });
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw wrong(reasonOf(error), error);
  }
  // TLS would take any text and fail later, with nothing that points here.
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(text)) throw wrong(`it holds no ${kind}`);
  return text;
}
