/** One golden message of the platform. */
export interface Vector {
  readonly topic: string;
  readonly payload: string;
  readonly note: string;
}

/** Reads a file of golden messages from the fixtures. */
export function readVectors(name: string): readonly Vector[] {
  const url = new URL(`fixtures/vectors/${name}.jsonl`, import.meta.url);
  return Deno.readTextFileSync(url).split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Vector);
}
