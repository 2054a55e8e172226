/**
 * JSON in ASCII alone: everything else is escaped as `\uXXXX`.
 *
 * The platform decodes payloads with its JVM's default charset, so nothing else is safe.
 */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    // deno-lint-ignore no-control-regex
    /[^\x00-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
