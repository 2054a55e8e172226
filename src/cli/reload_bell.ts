/**
 * Rung when the configuration is to be read again. One listener hears it; what was rung before it
 * listened is heard once, when it does.
 */
export class ReloadBell {
  #listener: (() => void) | undefined;
  #hasRung = false;

  /** Asks for the configuration to be read again. */
  ring(): void {
    if (this.#listener) this.#listener();
    else this.#hasRung = true;
  }

  /** From now on this listener hears it, and no other. */
  listen(listener: () => void): void {
    this.#listener = listener;
    if (!this.#hasRung) return;
    this.#hasRung = false;
    listener();
  }
}
