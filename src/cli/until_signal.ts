/** Waits for SIGTERM, SIGINT or SIGHUP; a second one then ends the process at once. */
export function untilSignal(): Disposable & { readonly received: Promise<string> } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const names = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  const handlers = names.map((name) => {
    const handler = () => {
      remove();
      resolve(name);
    };
    Deno.addSignalListener(name, handler);
    return { name, handler };
  });
  const remove = () => {
    for (const { name, handler } of handlers.splice(0)) Deno.removeSignalListener(name, handler);
  };
  return { received: promise, [Symbol.dispose]: remove };
}
