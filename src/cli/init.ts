import { join, resolve } from "node:path";
import { layOutHome } from "../agent/new_home.ts";
import { AgentError, exitStatus } from "../base/errors.ts";
import { parseOptions } from "./arguments.ts";

/**
 * Lays out a home for an agent. What is there stays, unless `--force` says otherwise; `--launcher`
 * replaces the launcher alone, which belongs to the program and not to the operator.
 */
export async function initCommand(args: string[]): Promise<number> {
  const options = { force: { type: "boolean" }, launcher: { type: "boolean" } } as const;
  const { values, positionals } = parseOptions("init", args, options, 1);
  const [directory] = positionals;
  if (directory === undefined) {
    throw new AgentError("init: the directory is missing. See: help", { kind: "usage" });
  }
  const home = resolve(directory);
  const replaces = (path: string) =>
    values.force === true || (values.launcher === true && path === join("extensions", "launcher"));
  const laidOut = await layOutHome(home, replaces);
  for (const { path, outcome } of laidOut) {
    if (outcome !== "same") console.log(`${outcome.padEnd(9)}${path}`);
  }
  const kept = laidOut.filter(({ outcome }) => outcome === "kept").length;
  if (kept > 0) {
    console.log(
      `${kept === 1 ? "1 file differs" : `${kept} files differ`} and stayed: see --force`,
    );
  }
  console.log(
    `${home} is a home: set mb.urls in agent.conf, have the platform write payload/launch-params, ` +
      `then: check --home ${home}`,
  );
  return exitStatus.ok;
}
