/**
 * JSON as the platform's serializer (Gson, default settings) writes it: `null` fields left out, and
 * `< > & = '` and the two Unicode line ends escaped; everything else, also beyond ASCII, as it is.
 */
export function gsonText(value: unknown): string {
  const text = JSON.stringify(value, (_, part) => part === null ? undefined : part);
  return text.replaceAll(
    /[<>&='\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
