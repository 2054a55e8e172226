/**
 * Writes numbered lines to files that somebody else rotates.
 *
 * `LINES MILLISECONDS PATH…`: so many lines into each file, spread over that time. It appends, and opens
 * a file anew when another one bears its name, though only after a while: as a server does that is told
 * by its rotation. A line is its file's name, its number, some filling and `$`.
 */
import { basename } from "node:path";

const [count, milliseconds, ...paths] = Deno.args;
const lines = Number(count);
const startMs = performance.now();
const open = (path: string) => Deno.openSync(path, { append: true, create: true });
const outputs = paths.map((path) => ({ path, file: open(path), written: 0, chunks: 0 }));

while (outputs.some(({ written }) => written < lines)) {
  const due = Math.ceil(lines * Math.min(1, (performance.now() - startMs) / Number(milliseconds)));
  for (const output of outputs) {
    if (output.written >= due) continue;
    if (++output.chunks % 8 === 0) {
      output.file.close();
      output.file = open(output.path);
    }
    let text = "";
    const until = Math.min(due, output.written + 100);
    for (; output.written < until; output.written++) {
      text += `${basename(output.path)} ${output.written} ${"x".repeat(output.written % 90)}$\n`;
    }
    output.file.writeSync(new TextEncoder().encode(text));
  }
  await new Promise((resolve) => setTimeout(resolve, 4));
}
