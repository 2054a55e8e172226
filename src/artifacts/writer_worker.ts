/** The other thread of a {@link SecondWriter}: writes the files it is given, and nothing else. */
import { type FileStamp, stampOf } from "../git/file_stamp.ts";
import { writeNewFileSync } from "../git/synchronous_file.ts";
import type { WriteOrder, WriterAnswer } from "./second_writer.ts";

const scope = globalThis as unknown as { onmessage: (event: MessageEvent<unknown>) => void };

scope.onmessage = ({ ports }) => {
  const [port] = ports;
  if (port) serve(port);
};

function serve(port: MessagePort): void {
  let hasFailed = false;
  port.onmessage = ({ data: { content, files } }: MessageEvent<WriteOrder>) => {
    if (hasFailed) return;
    try {
      const stamps = writeFiles(new Uint8Array(content), files);
      port.postMessage({ kind: "written", content, stamps } satisfies WriterAnswer, [content]);
    } catch {
      // Whoever gave the order tries it himself, and says what is wrong.
      hasFailed = true;
      port.postMessage({ kind: "failed" } satisfies WriterAnswer);
    }
  };
  port.postMessage({ kind: "ready" } satisfies WriterAnswer);
}

function writeFiles(content: Uint8Array, files: WriteOrder["files"]): FileStamp[] {
  let at = 0;
  return files.map(({ path, mode, bytes }) =>
    stampOf(writeNewFileSync(path, content.subarray(at, at += bytes), mode))
  );
}
