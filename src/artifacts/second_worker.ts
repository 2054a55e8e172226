/** The other thread of a {@link SecondThread}: writes the files it is given, or looks at some. */
import { type FileStamp, stampOf } from "../git/file_stamp.ts";
import { lstatIfPresentSync, writeNewFileSync } from "../git/synchronous_file.ts";
import {
  factsPerFile,
  type LookedAt,
  type LookOrder,
  type SecondAnswer,
  type WriteOrder,
} from "./second_thread.ts";

const scope = globalThis as unknown as { onmessage: (event: MessageEvent<unknown>) => void };

scope.onmessage = ({ ports }) => {
  const [port] = ports;
  if (port) serve(port);
};

function serve(port: MessagePort): void {
  let hasFailed = false;
  port.onmessage = ({ data }: MessageEvent<WriteOrder | LookOrder>) => {
    if (hasFailed) return;
    try {
      if ("root" in data) {
        const facts = lookAt(data);
        port.postMessage({ kind: "looked", facts } satisfies SecondAnswer, [facts.buffer]);
        return;
      }
      const { content, files } = data;
      const stamps = writeFiles(new Uint8Array(content), files);
      port.postMessage({ kind: "written", content, stamps } satisfies SecondAnswer, [content]);
    } catch {
      // Whoever gave the order tries it himself, and says what is wrong.
      hasFailed = true;
      port.postMessage({ kind: "failed" } satisfies SecondAnswer);
    }
  };
  port.postMessage({ kind: "ready" } satisfies SecondAnswer);
}

function lookAt({ root, paths }: LookOrder): LookedAt {
  const all = paths.split("\0");
  const facts = new Float64Array(all.length * factsPerFile);
  let at = 0;
  for (const path of all) {
    const info = lstatIfPresentSync(`${root}/${path}`);
    if (info?.isFile) {
      const { size, mtimeMs, ctimeMs, dev, ino, uid, gid } = stampOf(info);
      const kind = ((info.mode ?? 0) & 0o100) === 0 ? 1 : 2;
      facts.set([kind, size, mtimeMs, ctimeMs, dev, ino, uid, gid], at);
    }
    at += factsPerFile;
  }
  return facts;
}

function writeFiles(content: Uint8Array, files: WriteOrder["files"]): FileStamp[] {
  let at = 0;
  return files.map(({ path, mode, bytes }) =>
    stampOf(writeNewFileSync(path, content.subarray(at, at += bytes), mode))
  );
}
