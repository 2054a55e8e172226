/**
 * Characters that act instead of showing: controls but the tab, line and paragraph separators, and
 * those that reverse the order of what follows.
 */
// deno-lint-ignore no-control-regex
const acting = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * One line of a program's output, fit for a log: bytes that are no UTF-8 become `\ufffd`, characters
 * that act are spelt out (`\x1b`), a carriage return at the end is part of the line's end.
 */
export function lineText(bytes: Uint8Array): string {
  return decoder.decode(bytes).replace(/\r+$/, "").replaceAll(acting, spelling);
}

function spelling(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}
