import { join } from "node:path";

/** A socket as systemd's, on which services report. */
export interface NotifySocket extends AsyncDisposable {
  /** What `NOTIFY_SOCKET` is to be. */
  readonly path: string;
  /** What came, each word of a datagram alone, in order. */
  readonly words: readonly string[];
  /** Resolves when so many of a word have come, from the beginning; rejects after 30 s. */
  until(word: string, count?: number): Promise<void>;
}

/**
 * Deno has no datagrams of this kind without an unstable flag. A file descriptor that comes along is a
 * barrier: the sender waits until it is closed.
 */
const listener = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps("listens"), flush=True)
while True:
    data, fds, _flags, _address = socket.recv_fds(s, 65536, 8)
    for word in data.decode().split("\\n"):
        if word and word != "BARRIER=1":
            print(json.dumps(word), flush=True)
    for fd in fds:
        os.close(fd)
`;

/** Listens on a socket in a directory; needs python3. */
export async function openNotifySocket(directory: string): Promise<NotifySocket> {
  const path = join(directory, "notify");
  const child = new Deno.Command("/usr/bin/python3", {
    args: ["-c", listener, path],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const words: string[] = [];
  const waiting = new Set<() => void>();
  const reading = (async () => {
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      words.push(...lines.map((line) => JSON.parse(line) as string));
      for (const look of [...waiting]) look();
    }
  })();
  const until = (word: string, count = 1) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      reject(new Error(`${word} did not come ${count} times, but: ${words.join(", ")}`));
    }, 30_000);
    const look = () => {
      if (words.filter((said) => said === word).length >= count) resolve();
    };
    waiting.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(look);
    });
  };
  await until("listens");
  words.shift();
  return {
    path,
    words,
    until,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.status;
      await reading;
    },
  };
}
