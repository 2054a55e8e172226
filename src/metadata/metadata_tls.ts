import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { cannot, reasonOf } from "../base/errors.ts";

/** How the certificate of the metadata service is checked. */
export interface MetadataTls {
  /** PEM file with the authorities that are trusted instead of the system's; absolute path. */
  readonly caFile?: string;
  /** `false`: any certificate is accepted. */
  readonly verify: boolean;
  /** `false`: any name is accepted. */
  readonly verifyName: boolean;
}

/**
 * The settings as `node:tls` takes them. The file is read each time, so that a replaced one counts
 * without a restart.
 *
 * @param host Name or address, without brackets.
 * @throws AgentError `configuration` when the file cannot be read or holds no certificate.
 */
export async function tlsOptions(
  host: string,
  { caFile, verify, verifyName }: MetadataTls,
): Promise<ConnectionOptions> {
  return {
    // Server name indication is for names only.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(caFile === undefined ? {} : { ca: await readCa(caFile) }),
    ...(verify ? {} : { rejectUnauthorized: false }),
    ...(verify && verifyName ? {} : { checkServerIdentity: () => undefined }),
  };
}

async function readCa(caFile: string): Promise<string> {
  try {
    const text = await Deno.readTextFile(caFile);
    const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
    if (!certificates) throw new Error("it holds no PEM certificate");
    // The library would only print a line about one that cannot be read.
    for (const certificate of certificates) new X509Certificate(certificate);
    return text;
  } catch (error) {
    throw cannot("read the CA of the metadata service", caFile, reasonOf(error), {
      kind: "configuration",
      cause: error,
    });
  }
}

const advice: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "set metadata.tls.ca.file to its certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "set metadata.tls.ca.file to the certificate of its CA",
  UNABLE_TO_GET_ISSUER_CERT: "set metadata.tls.ca.file to the certificate of its CA",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "set metadata.tls.ca.file to the certificate of its CA",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "set metadata.tls.ca.file to the certificate of its CA",
  CERT_SIGNATURE_FAILURE:
    "the certificate is issued by another CA than that of metadata.tls.ca.file, or it has an RSA " +
    "key below 2048 bits or a SHA-1 signature, which no current TLS library accepts",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "use a name that the certificate holds in metadata.service.url, or set " +
    "metadata.tls.verify.name=false",
  ERR_SSL_WRONG_VERSION_NUMBER: "is this an http:// service?",
  EPERM: "this host and port are not in the network permission; see cartridge-agent permissions",
};

/** What to do about a failed connection, where that is known. */
export function adviceOn(thrown: unknown): string | undefined {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" && Object.hasOwn(advice, code) ? advice[code] : undefined;
}
