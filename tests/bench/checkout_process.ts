import type { ClientAnswer, ClientOrder } from "./checkout_client.ts";
import { TextLineStream } from "./text_lines.ts";

/** A client in a process of its own: see checkout_client.ts. */
export class CheckoutProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;

  constructor() {
    const script = new URL("checkout_client.ts", import.meta.url).href;
    this.#child = new Deno.Command(Deno.execPath(), {
      // As the agent itself is started.
      args: ["run", "--quiet", "--allow-all", "--v8-flags=--max-semi-space-size=1", script],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#orders = this.#child.stdin.getWriter();
    this.#answers = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
  }

  /** Has something done and waits for its end. */
  async tell(order: ClientOrder): Promise<ClientAnswer> {
    await this.#orders.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    const { value, done } = await this.#answers.read();
    if (done) throw new Error(`the client broke down at "${order.do}"`);
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#orders.close();
    await this.#answers.cancel();
    await this.#child.status;
  }
}
