import type { GitRemote } from "../../src/sandbox/git_remote.ts";

/** Stands before a Git server: lets requests pass, lets them wait, or is not there at all. */
export interface RepositoryFront extends AsyncDisposable {
  /** Where to clone a repository from, without credentials. */
  url(name: string): string;
  /**
   * No request is answered from now on.
   *
   * @returns Resolves when the first one waits.
   */
  hold(): Promise<void>;
  /** Answers what waits and lets everything pass again. */
  release(): void;
  /** Takes no connection from now on. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): void;
}

/** Opens a front on any free port of this machine. */
export function openRepositoryFront(remote: GitRemote): RepositoryFront {
  const hostname = "127.0.0.1";
  let gate: PromiseWithResolvers<void> | undefined;
  let firstHeld = Promise.withResolvers<void>();
  const serve = (port: number) =>
    Deno.serve({ hostname, port, onListen: () => {} }, async (request) => {
      if (gate) firstHeld.resolve();
      await gate?.promise;
      return await remote.handle(request);
    });
  let server: ReturnType<typeof serve> | undefined = serve(0);
  const { port } = server.addr;
  const release = () => {
    gate?.resolve();
    gate = undefined;
  };
  const stop = async () => {
    release();
    await server?.shutdown();
    server = undefined;
  };
  return {
    url: (name) => `http://${hostname}:${port}/${name}.git`,
    hold: () => {
      gate = Promise.withResolvers();
      firstHeld = Promise.withResolvers();
      return firstHeld.promise;
    },
    release,
    stop,
    start: () => server = serve(port),
    [Symbol.asyncDispose]: stop,
  };
}
