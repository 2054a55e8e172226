/** HTTP over a CGI program. */

/** Writes a body to a program, which may end before it has read all of it. */
export async function feedProgram(
  stdin: WritableStream<Uint8Array>,
  body: ReadableStream<Uint8Array> | null,
): Promise<void> {
  try {
    if (body === null) await stdin.close();
    else await body.pipeTo(stdin);
  } catch {
    // The program's exit tells what there is to tell; the pipe is closed either way.
  }
}

/**
 * Turns what a CGI program prints into a response, the body as it comes.
 *
 * @param ended Settles when the program has ended.
 */
export async function cgiResponse(
  child: Deno.ChildProcess,
  ended: Promise<unknown>,
): Promise<Response> {
  const reader = child.stdout.getReader();
  const failed = async () => {
    await reader.cancel();
    endProgram(child);
    await ended;
    return new Response("no answer\n", { status: 500 });
  };
  let head = new Uint8Array(0);
  let end: { readonly at: number; readonly length: number } | undefined;
  while (end === undefined) {
    const { value } = await reader.read();
    if (value === undefined || head.length > 64 * 1024) return await failed();
    head = new Uint8Array([...head, ...value]);
    end = endOfHeaders(head);
  }
  const headers = new Headers();
  for (const line of new TextDecoder().decode(head.subarray(0, end.at)).split(/\r?\n/)) {
    const [name = "", ...rest] = line.split(":");
    headers.append(name, rest.join(":").trim());
  }
  const status = Number(headers.get("status")?.slice(0, 3) ?? "200");
  headers.delete("status");
  const first = head.subarray(end.at + end.length);
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (first.length > 0) controller.enqueue(first);
    },
    pull: async (controller) => {
      const { value } = await reader.read();
      if (value !== undefined) return controller.enqueue(value);
      await ended;
      controller.close();
    },
    // The client went away.
    cancel: async () => {
      await reader.cancel();
      endProgram(child);
      await ended;
    },
  });
  return new Response(body, { status, headers });
}

function endOfHeaders(bytes: Uint8Array) {
  const text = new TextDecoder("latin1").decode(bytes);
  const match = /\r?\n\r?\n/.exec(text);
  return match ? { at: match.index, length: match[0].length } : undefined;
}

/** Ends a program that may have ended by itself. */
export function endProgram(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}
