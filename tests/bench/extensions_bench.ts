import { join } from "node:path";
import { silentLog } from "../../src/base/log.ts";
import { never, openExtensionHome, requestOf, runnerOn } from "../extensions/extension_home.ts";
import { median, row } from "./figures.ts";

/**
 * Runs of a trivial script by the extension runner beside starting the same script directly, in
 * turn, so that both see the same machine.
 *
 * @param quick Fewer runs: says that it works rather than how fast.
 */
export async function extensionsBench(quick: boolean): Promise<void> {
  const rounds = quick ? 2 : 20;
  const runsPerRound = quick ? 50 : 100;
  await using home = await openExtensionHome();
  const script = await home.script("bash/StartServers.sh", "exit 0");
  const launchParameters = { MEMBER_ID: "m-1", CLUSTER_ID: "c-1", SERVICE_NAME: "php" };
  await using runner = runnerOn(home, silentLog, {}, { launchParameters });
  const byRunner = async () => {
    const outcome = await runner.run(requestOf("StartServers"), never);
    if (outcome.kind !== "succeeded") throw new Error(`the script ${outcome.kind}`);
  };
  const direct = async () => {
    const command = new Deno.Command(script, {
      cwd: join(home.extensionsDir, "bash"),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    if (!(await command.output()).success) throw new Error("the script failed");
  };
  await rate(byRunner, 20);
  await rate(direct, 20);
  const rates = { direct: [] as number[], runner: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    rates.direct.push(await rate(direct, runsPerRound));
    rates.runner.push(await rate(byRunner, runsPerRound));
  }
  const ratio = median(rates.runner) / median(rates.direct);
  const ratios = rates.runner.map((runs, round) => runs / rates.direct[round]!);
  console.log(row("extensions: the same script started directly", "/s", rates.direct));
  console.log(row("extensions: by the runner", "/s", rates.runner));
  console.log(row("the runner beside direct, round by round (target 0.6)", "", ratios));
  console.log(
    `the median of the runner's rounds is ${ratio.toFixed(2)} of that of the direct ones`,
  );
}

async function rate(run: () => Promise<void>, runs: number): Promise<number> {
  const startMs = performance.now();
  for (let i = 0; i < runs; i++) await run();
  return runs / ((performance.now() - startMs) / 1000);
}
