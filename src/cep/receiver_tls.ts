import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { type Clock, withDeadline } from "../base/clock.ts";
import { cannot, reasonOf } from "../base/errors.ts";
import type { HostPort, ReceiverTls } from "../config/agent_config.ts";
import { type TlsFault, tlsFaultOf } from "./tls_fault.ts";

/** How long TCP and the TLS handshake together may take. */
export const handshakeLimitMs = 10_000;

/** `host:port`, IPv6 hosts in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * Opens a TLS connection to a receiver and checks its certificate as configured.
 *
 * `node:tls` rather than `Deno.connectTls`: only it can accept any chain for one connection and trusts
 * a self-signed certificate that is marked as a CA. It needs the network permission alone.
 *
 * @returns A socket past its handshake; whoever gets it handles its errors and destroys it.
 * @throws AgentError that says what is wrong and what to do.
 */
export async function openTlsSocket(
  receiver: HostPort,
  tls: ReceiverTls,
  clock: Clock,
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted();
  const subject = formatHostPort(receiver);
  const options = await connectionOptions(receiver, tls);
  try {
    return await handshake(options, clock, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const fault = tlsFaultOf(error);
    const found = fault === "untrusted"
      ? await examineCertificate(options, tls, clock, signal)
      : fault;
    throw failure(subject, tls, found, error);
  }
}

async function connectionOptions(
  { host, port }: HostPort,
  tls: ReceiverTls,
): Promise<ConnectionOptions> {
  return {
    host,
    port,
    // Server name indication is for names only.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls.caFile === undefined ? {} : { ca: await readCa(tls.caFile) }),
    ...(tls.verify ? {} : { rejectUnauthorized: false }),
    ...(tls.verify && tls.verifyName ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** Read for each connection, so that a replaced file counts without a restart. */
async function readCa(caFile: string): Promise<string> {
  const options = { kind: "configuration", retryable: true } as const;
  let text: string;
  try {
    text = await Deno.readTextFile(caFile);
  } catch (error) {
    throw cannot("read the CA of receivers", caFile, reasonOf(error), { ...options, cause: error });
  }
  try {
    const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
    if (!certificates) throw new Error("it holds no PEM certificate");
    // The library would only print a line about one that cannot be read.
    for (const certificate of certificates) new X509Certificate(certificate);
    return text;
  } catch (error) {
    throw cannot("read the CA of receivers", caFile, reasonOf(error), { ...options, cause: error });
  }
}

const limitSeconds = handshakeLimitMs / 1000;
/** A plain port waits for the rest of what it takes for a call. */
const silence = "TLS handshake (is this the TLS port, 7711 unless changed, not the plain one?)";

async function handshake(
  options: ConnectionOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const socket = connect(options);
  let isConnected = false;
  socket.once("connect", () => isConnected = true);
  let fail: (error: Error) => void = () => {};
  // Stays for the whole life of the socket: an error event that nobody hears ends the process.
  socket.on("error", (error) => fail(error));
  const secured = new Promise<void>((resolve, reject) => {
    fail = reject;
    socket.once("secureConnect", resolve);
    socket.once("close", () => reject(new Error("the connection was closed during the handshake")));
  });
  try {
    await withDeadline(
      secured,
      handshakeLimitMs,
      () => new Error(`no ${isConnected ? silence : "connection"} within ${limitSeconds} s`),
      clock,
      signal,
    );
    return socket;
  } catch (error) {
    await destroySocket(socket);
    throw error;
  }
}

/** Ends a socket at once; settles when it is gone. */
export function destroySocket(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) return resolve();
    socket.once("close", () => resolve());
    socket.destroy();
  });
}

/**
 * Why a certificate is not trusted: the library's error is the same for a foreign certificate and for
 * one that it cannot process. A second handshake that accepts any certificate tells them apart; nothing
 * is sent over it.
 */
async function examineCertificate(
  options: ConnectionOptions,
  tls: ReceiverTls,
  clock: Clock,
  signal: AbortSignal,
): Promise<TlsFault | undefined> {
  if (!tls.verify) return "weakCertificate";
  try {
    const socket = await handshake(
      { ...options, rejectUnauthorized: false },
      clock,
      signal,
    );
    const raw = socket.getPeerCertificate()?.raw;
    await destroySocket(socket);
    return raw && isSignedWithSha1(raw) ? "weakCertificate" : "untrusted";
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return tlsFaultOf(error) === "untrusted" ? "weakCertificate" : "untrusted";
  }
}

/** DER of the object identifiers sha1WithRSAEncryption and ecdsa-with-SHA1. */
const sha1Signatures = ["06092a864886f70d010105", "06072a8648ce3d0401"];

function isSignedWithSha1(certificate: Uint8Array): boolean {
  const hex = Uint8Array.from(certificate).toHex();
  return sha1Signatures.some((signature) => hex.includes(signature));
}

function failure(
  subject: string,
  tls: ReceiverTls,
  fault: TlsFault | undefined,
  cause: unknown,
): Error {
  const reason = fault === undefined ? reasonOf(cause) : explanations[fault](tls, cause);
  const kind = fault === "notPermitted"
    ? "permission"
    : fault === "weakCertificate" || fault === "oldTls" || fault === "untrusted" ||
        fault === "otherName" || fault === "expired"
    ? "refused"
    : "unavailable";
  return cannot("connect to the receiver", subject, reason, {
    kind,
    data: fault === undefined ? {} : { fault },
    cause,
    retryable: true,
  });
}

const replaceCertificate =
  "replace its certificate by one with a 2048-bit RSA key and a SHA-256 signature";

const explanations: Readonly<Record<TlsFault, (tls: ReceiverTls, cause: unknown) => string>> = {
  weakCertificate: () =>
    "its certificate has an RSA key below 2048 bits or a SHA-1 signature, like the one that WSO2 " +
    `ships, which no current TLS library accepts, not even unverified: ${replaceCertificate}`,
  oldTls: () =>
    "it offers TLS 1.0 or 1.1 only, which no current TLS library speaks: enable TLS 1.2 on the " +
    `receiver, and if it still uses the certificate that WSO2 ships, ${replaceCertificate}`,
  noCommonCipher: () =>
    "it refused the TLS handshake: it has no protocol version or cipher in common with TLS 1.2 or " +
    "1.3; enable TLS 1.2 with current ciphers on the receiver",
  untrusted: ({ caFile }) =>
    caFile === undefined
      ? "its certificate is issued by a CA that this system does not trust: set thrift.tls.ca.file to " +
        "the CA's certificate, or to the receiver's own if it is self-signed"
      : `its certificate is not issued by the CA in ${caFile} (thrift.tls.ca.file)`,
  otherName: (_, cause) =>
    `its certificate is for another name (${reasonOf(cause)}): use a name that it holds in ` +
    "thrift.receiver.urls, or set thrift.tls.verify.name=false",
  expired: (_, cause) => `its certificate is not valid today (${reasonOf(cause)})`,
  notTls: () =>
    "it does not speak TLS: the login is on the TLS port, 7711 unless changed, not on the plain one",
  notPermitted: () =>
    "this host and port are not in the network permission; see cartridge-agent permissions",
};
