import selfsigned from "selfsigned";

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate authority of its own. */
export async function makeAuthority(): Promise<Certificate> {
  const { cert, private: key } = await selfsigned.generate(
    [{ name: "commonName", value: "Test CA" }],
    {
      algorithm: "sha256",
      keySize: 2048,
      extensions: [
        { name: "basicConstraints", cA: true, critical: true },
        { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
      ],
    },
  );
  return { cert, key };
}

/** Has the authority sign a certificate for a server or client. */
export async function issue(
  authority: Certificate,
  name: string,
  addresses: readonly string[] = [],
): Promise<Certificate> {
  const { cert, private: key } = await selfsigned.generate([{ name: "commonName", value: name }], {
    algorithm: "sha256",
    keySize: 2048,
    ca: authority,
    extensions: [
      { name: "basicConstraints", cA: false },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2 as const, value: name },
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return { cert, key };
}
