import { createCipheriv } from "node:crypto";
import { AgentError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";

/**
 * Encrypts a repository password as the stratos manager does: AES in ECB mode, PKCS#5 padding, the
 * bytes of the cartridge key as key, the result in base64.
 *
 * @param cartridgeKey 16, 24 or 32 bytes in UTF-8.
 * @throws AgentError `configuration` for a key of another length.
 */
export function encryptRepositoryPassword(password: Secret, cartridgeKey: Secret): string {
  const key = new TextEncoder().encode(cartridgeKey.open());
  if (![16, 24, 32].includes(key.length)) {
    throw new AgentError(
      `Cannot encrypt "repository password": the cartridge key has ${key.length} bytes, not 16, 24 or 32`,
      { kind: "configuration" },
    );
  }
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null);
  return cipher.update(password.open(), "utf8", "base64") + cipher.final("base64");
}
