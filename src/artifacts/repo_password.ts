import { Buffer } from "node:buffer";
import { createDecipheriv } from "node:crypto";
import { cannot } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";

const blockBytes = 16;
const algorithms: Readonly<Record<number, string>> = {
  16: "aes-128-ecb",
  24: "aes-192-ecb",
  32: "aes-256-ecb",
};

/**
 * Decrypts the repository password of an ArtifactUpdatedEvent.
 *
 * The platform sends base64 of AES in ECB mode with PKCS#7 padding; the key is CARTRIDGE_KEY as UTF-8.
 * The plain text must be UTF-8, because the platform encrypts nothing else: other bytes mean that a
 * wrong key happened to leave valid padding.
 *
 * @param encrypted As received; empty means that there is no password.
 * @param key CARTRIDGE_KEY; absent when the launch parameters have none.
 * @returns The password, or `undefined` when there is none.
 * @throws AgentError of kind `input`, without the secret, when it cannot be decrypted.
 */
export function decryptRepoPassword(
  encrypted: string,
  key: Secret | undefined,
): Secret | undefined {
  if (encrypted === "") return undefined;
  if (key === undefined) throw undecipherable("there is no CARTRIDGE_KEY");
  const keyBytes = new TextEncoder().encode(key.open());
  const algorithm = algorithms[keyBytes.length];
  if (algorithm === undefined) {
    throw undecipherable(`CARTRIDGE_KEY has ${keyBytes.length} bytes, not 16, 24 or 32`);
  }
  const cipherText = bytesOfBase64(encrypted);
  if (cipherText.length === 0 || cipherText.length % blockBytes !== 0) {
    throw undecipherable(`it has ${cipherText.length} bytes, not a multiple of ${blockBytes}`);
  }
  return new Secret(textOf(decrypt(algorithm, keyBytes, cipherText)));
}

function bytesOfBase64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw undecipherable("it is not base64");
  }
}

function decrypt(algorithm: string, key: Uint8Array, cipherText: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv(algorithm, key, null);
    return Buffer.concat([decipher.update(cipherText), decipher.final()]);
  } catch {
    // OpenSSL-like messages say nothing more, and the cause could carry the bytes along.
    throw wrongKey();
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    // A byte order mark is part of the password.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw wrongKey();
  }
}

function wrongKey() {
  return undecipherable("CARTRIDGE_KEY does not fit it, or it was damaged on the way");
}

function undecipherable(reason: string) {
  return cannot("decrypt", "repoPassword", reason, { kind: "input" });
}
