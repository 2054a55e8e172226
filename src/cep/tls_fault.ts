/** What is wrong when a TLS connection does not come about; absent for plain network failures. */
export type TlsFault =
  | "weakCertificate" // RSA below 2048 bits or SHA-1
  | "oldTls" // TLS 1.0 or 1.1 only
  | "noCommonCipher"
  | "untrusted" // or weak: the library reports both alike
  | "otherName"
  | "expired"
  | "notTls"
  | "notPermitted";

const faultsByCode: Readonly<Record<string, TlsFault>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "untrusted",
  UNABLE_TO_GET_ISSUER_CERT: "untrusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "untrusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "untrusted",
  CERT_SIGNATURE_FAILURE: "untrusted",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "otherName",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "oldTls",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "oldTls",
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: "noCommonCipher",
  ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY: "noCommonCipher",
  ERR_SSL_WRONG_VERSION_NUMBER: "notTls",
  EPERM: "notPermitted",
};

/**
 * Sorts an error of `node:tls`.
 *
 * A server that answers with TLS 1.0 or 1.1 itself, instead of refusing, has the code of a failed
 * handshake; only the text says what it was.
 */
export function tlsFaultOf(thrown: unknown): TlsFault | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (thrown.message.includes("ServerDoesNotSupportTls12Or13")) return "oldTls";
  const code = "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" ? faultsByCode[code] : undefined;
}
