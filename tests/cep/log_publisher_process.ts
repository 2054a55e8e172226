/**
 * A log publisher in a process of its own, to be killed.
 *
 * `PORT CHECKPOINT PATTERN…`: publishes to localhost. Prints a line when it has started, and its status
 * as JSON when SIGTERM has ended it.
 */
import { systemClock } from "../../src/base/clock.ts";
import { makeLog } from "../../src/base/log.ts";
import { Secret } from "../../src/base/secret.ts";
import { LogPublisher } from "../../src/cep/log_publisher.ts";
import { exampleConfig } from "../scope/example_config.ts";

const [port, checkpoint, ...paths] = Deno.args;
const { logPublisher, identity } = exampleConfig();
const warnings: string[] = [];
const publisher = new LogPublisher({
  config: {
    ...logPublisher,
    enabled: true,
    receiver: { host: "localhost", port: Number(port) },
    password: new Secret("admin"),
    tls: { verify: false, verifyName: false },
    paths,
  },
  identity,
  checkpoint: checkpoint!,
  log: makeLog(({ level, message }) => {
    if (level !== "warning" && level !== "error") return;
    warnings.push(message);
  }, ""),
  clock: systemClock,
  random: Math.random,
});
Deno.addSignalListener("SIGTERM", async () => {
  await publisher.stop();
  console.log(JSON.stringify({ ...publisher.status, warnings }));
  Deno.exit();
});
publisher.start();
while (publisher.status.files.length === 0) await systemClock.sleep(5);
console.log("started");
