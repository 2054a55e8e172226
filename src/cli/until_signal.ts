/**
 * Waits for SIGTERM, SIGINT or SIGHUP; a second SIGTERM or SIGINT then ends the process at once.
 *
 * @param onHangUp Called at every SIGHUP, which then does not end anything, not even while something
 *   else does.
 */
export function untilSignal(
  onHangUp?: () => void,
): Disposable & { readonly received: Promise<string> } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const listeners = new Map<Deno.Signal, () => void>();
  const listen = (name: Deno.Signal, listener: () => void) => {
    Deno.addSignalListener(name, listener);
    listeners.set(name, listener);
  };
  const forget = (...names: readonly Deno.Signal[]) => {
    for (const name of names) {
      const listener = listeners.get(name);
      if (listener && listeners.delete(name)) Deno.removeSignalListener(name, listener);
    }
  };
  const ending: readonly Deno.Signal[] = onHangUp
    ? ["SIGTERM", "SIGINT"]
    : ["SIGTERM", "SIGINT", "SIGHUP"];
  if (onHangUp) listen("SIGHUP", onHangUp);
  for (const name of ending) {
    listen(name, () => {
      forget(...ending);
      resolve(name);
    });
  }
  return { received: promise, [Symbol.dispose]: () => forget(...ending, "SIGHUP") };
}
