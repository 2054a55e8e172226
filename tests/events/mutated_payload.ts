/** A number in [0, 1); the same seed gives the same numbers. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a hostile or broken peer writes where something else belongs, as JSON. */
const strangers: readonly string[] = [
  "null",
  "true",
  "0",
  "-1",
  "1e308",
  "1e999",
  "-0",
  "9223372036854775807",
  "0.5",
  '""',
  '"null"',
  '"-1234"',
  '"__proto__"',
  '"constructor"',
  '"\\ud800"',
  '"\\u0000"',
  `"${"x".repeat(5_000)}"`,
  "[]",
  "{}",
  "[null]",
  "[[]]",
  "[1,2]",
  '{"a":null}',
  '{"a":1}',
  '{"__proto__":{"a":1}}',
  '{"toString":null,"hasOwnProperty":1,"length":-1}',
  `${"[".repeat(90)}${"]".repeat(90)}`,
  `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`,
];

const keys: readonly string[] = ["__proto__", "constructor", "toString", "length", "", "\u0000"];

/** Changes a payload in one to three places, as JSON or as bytes. */
export function mutated(payload: string, random: () => number): Uint8Array {
  let bytes = new TextEncoder().encode(payload);
  for (let left = 1 + below(3, random); left > 0; left--) {
    bytes = random() < 0.6 ? mutatedJson(bytes, random) : mutatedBytes(bytes, random);
  }
  return bytes;
}

function below(limit: number, random: () => number): number {
  return Math.floor(random() * limit);
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[below(from.length, random)]!;
}

/** Puts something else in the place of one value or name; text that is no JSON stays as it is. */
function mutatedJson(bytes: Uint8Array<ArrayBuffer>, random: () => number): typeof bytes {
  const text = new TextDecoder().decode(bytes);
  const places = [...text.matchAll(/"(?:\\.|[^"\\])*"|-?\d+(?:\.\d+)?|true|false|null|\{\}|\[\]/g)];
  if (places.length === 0) return new TextEncoder().encode(pick(strangers, random));
  const { 0: old, index } = pick(places, random);
  const isName = text.slice(index + old.length).startsWith(":");
  const changed = isName ? JSON.stringify(pick(keys, random)) : pick(strangers, random);
  const replaced = text.slice(0, index) + changed + text.slice(index + old.length);
  return new TextEncoder().encode(replaced);
}

function mutatedBytes(bytes: Uint8Array<ArrayBuffer>, random: () => number): typeof bytes {
  const at = below(bytes.length, random);
  const to = Math.min(bytes.length, at + 1 + below(20, random));
  const changed = bytes.slice();
  switch (below(5, random)) {
    case 0:
      changed[at] = below(256, random);
      return changed;
    case 1:
      return bytes.slice(0, at);
    case 2:
      return joined(bytes.subarray(0, at), bytes.subarray(to));
    case 3:
      return joined(bytes.subarray(0, to), bytes.subarray(at));
    default: {
      const noise = Uint8Array.from({ length: to - at }, () => below(256, random));
      return joined(bytes.subarray(0, at), noise, bytes.subarray(at));
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
