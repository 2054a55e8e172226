import assert from "node:assert/strict";
import { join } from "node:path";
import type { ExtensionsConfig } from "../../src/config/agent_config.ts";
import type { ExtensionRunner } from "../../src/extensions/extension_runner.ts";
import type { ExtensionFacts } from "../../src/extensions/request.ts";
import {
  type ExtensionHome,
  isAlive,
  never,
  noFacts,
  openExtensionHome,
  pidIn,
  requestOf,
  runnerOn,
  untilExists,
  untilGone,
  type WatchedLog,
  watchedLog,
} from "./extension_home.ts";

/**
 * What an extension of the contract does, as a shell script would do it. Values come as `STRATOS_…`;
 * "pid N" in the output names a process that it started.
 */
export const behaviours = {
  succeeds: "echo trouble >&2; echo done",
  fails: "for i in 1 2 3 4 5 6 7 8 9 10 11; do echo line $i; done; exit 3",
  waits: "sleep 1000 & echo pid $!; wait",
  trapsTerm:
    "trap 'echo told' TERM\n(trap '' TERM; exec sleep 1000) &\necho pid $!\nwhile :; do sleep 0.1; done",
  leavesWriter: `(echo "pid $(exec sh -c 'echo $PPID')"
    until [ -e "$STRATOS_GO" ]; do sleep 0.02; done
    i=0; while [ $i -lt 3000 ]; do echo "more than a pipe can hold, by far, by far"; i=$((i+1)); done
    : >"$STRATOS_DONE") &\necho started; exit 0`,
  leavesSilent: 'sleep 1000 & echo "pid $!"',
  floods: "yes 'a line of output' | head -c 100000000; echo; echo the end",
  binary: "printf '\\033[31mred\\000\\377\\r\\n'; head -c 20000 /dev/zero | tr '\\0' x",
  noInterpreter: "#!/nonexistent/interpreter\n",
  readsLargeValues:
    `echo "topology \${STRATOS_TOPOLOGY_JSON-absent} $(wc -c <"$STRATOS_TOPOLOGY_JSON_FILE")"
     echo "members $STRATOS_MEMBER_LIST_JSON $(cat "$STRATOS_MEMBER_LIST_JSON_FILE")"
     echo "mode $(stat -c %a "$STRATOS_MEMBER_LIST_JSON_FILE")"
     echo "long \${STRATOS_LONG-absent} $(wc -c <"$STRATOS_LONG_FILE")"`,
  printsEnvironment: "env",
} as const;

/** One of {@link behaviours}. */
export type Behaviour = keyof typeof behaviours;

/** What the contract is about, case by case. */
export type ContractCase = Behaviour | "notExecutable";

/** What takes the place of a case that a kind of extension meets in another way. */
export interface Counterpart {
  /** In the title. */
  readonly name: string;
  readonly test: (home: ExtensionHome, log: WatchedLog) => Promise<void>;
}

/** A kind of extension that keeps the contract. */
export interface ExtensionKind {
  /** In titles. */
  readonly name: string;
  /** Cases that cannot be for this kind, and why; they are shown as tests that are left out. */
  readonly lacks?: Readonly<Partial<Record<ContractCase, string>>>;
  /** Cases that this kind meets in another way. */
  readonly instead?: Readonly<Partial<Record<ContractCase, Counterpart>>>;
  /** What runs this kind. Default: {@link runnerOn}. */
  open?(
    home: ExtensionHome,
    log: WatchedLog,
    config?: Partial<ExtensionsConfig>,
  ): Promise<AsyncDisposable & Pick<ExtensionRunner, "run">>;
  /**
   * Installs the only extension of the event.
   *
   * @param mode Permission bits.
   * @returns Its path below the extensions folder.
   */
  install(
    home: ExtensionHome,
    event: string,
    behaviour: Behaviour,
    mode?: number,
  ): Promise<string>;
}

const event = "StartServers";

/** Everything that an extension may rely on, and the agent too, whatever kind of extension it is. */
export function extensionContract(kind: ExtensionKind): void {
  const test = (
    needs: ContractCase,
    name: string,
    fn: (home: ExtensionHome, log: WatchedLog) => Promise<void>,
  ) => {
    const title = `extension contract, ${kind.name}: `;
    const reason = kind.lacks?.[needs];
    if (reason !== undefined) {
      Deno.test({ name: `${title}${name} (cannot be: ${reason})`, ignore: true, fn: () => {} });
      return;
    }
    const { name: shown, test } = kind.instead?.[needs] ?? { name, test: fn };
    Deno.test(`${title}${shown}`, async () => {
      await using home = await openExtensionHome();
      await test(home, watchedLog());
    });
  };
  const open = (home: ExtensionHome, log: WatchedLog, config?: Partial<ExtensionsConfig>) =>
    kind.open?.(home, log, config) ?? Promise.resolve(runnerOn(home, log, config));
  /** Installs and runs. */
  const run = async (
    home: ExtensionHome,
    log: WatchedLog,
    behaviour: Behaviour,
    {
      config = {},
      signal = never,
      values = {},
      facts = noFacts,
    }: {
      config?: Partial<ExtensionsConfig>;
      signal?: AbortSignal;
      values?: Readonly<Record<string, string>>;
      facts?: ExtensionFacts;
    } = {},
  ) => {
    const script = await kind.install(home, event, behaviour);
    await using runner = await open(home, log, config);
    const outcome = await runner.run(requestOf(event, values, facts), signal);
    return { script, outcome, reason: outcome.kind === "failed" ? outcome.reason : "" };
  };

  test("succeeds", "succeeds when it ends well, whatever it wrote", async (home, log) => {
    const { script, outcome } = await run(home, log, "succeeds");
    assert.deepEqual(outcome, { kind: "succeeded" });
    assert.deepEqual(log.output, ["trouble", "done"]);
    const last = log.records.at(-1);
    assert.equal(last?.level, "info");
    assert.deepEqual([last?.facts.script, last?.facts.status], [script, 0]);
  });

  test("fails", "fails with status and last lines when it fails", async (home, log) => {
    const { script, reason } = await run(home, log, "fails");
    assert(reason.startsWith(`${script}: exit status 3, last output: line 2 | `), reason);
    assert(reason.endsWith(" | line 11"), reason);
    const last = log.records.at(-1);
    assert.equal(last?.level, "error");
    const line = last?.message.replace(/ms=\d+/, "ms=_") ?? "";
    assert(line.startsWith(`extension StartServers ${script} status=3 ms=_: `), line);
    assert.equal(last?.facts.status, 3);
  });

  test("waits", "goes with its grandchildren when the time limit passes", async (home, log) => {
    const config = { timeoutMsByEvent: { [event]: 500 } };
    const { reason } = await run(home, log, "waits", { config });
    assert.match(reason, /stopped at its time limit/);
    await untilGone(pidIn(log.output));
  });

  test(
    "trapsTerm",
    "is killed after the grace when it and its child ignore TERM",
    async (home, log) => {
      const stop = new AbortController();
      const config = { graceMs: 300 };
      const running = run(home, log, "trapsTerm", { config, signal: stop.signal });
      const { facts } = await log.until("pid ");
      stop.abort();
      const before = performance.now();
      assert.deepEqual((await running).outcome, { kind: "cancelled" });
      assert(performance.now() - before >= 250, "there was no grace");
      assert(log.output.includes("told"), "TERM did not come first");
      await untilGone(pidIn(log.output));
      await untilGone(facts.pid as number);
    },
  );

  test(
    "leavesWriter",
    "leaves servers behind that may write when nobody listens",
    async (home, log) => {
      const values = { GO: join(home.dir, "go"), DONE: join(home.dir, "done") };
      const { outcome } = await run(home, log, "leavesWriter", { values });
      assert.deepEqual(outcome, { kind: "succeeded" });
      assert(await isAlive(pidIn(log.output)));
      await Deno.writeTextFile(values.GO, "");
      await untilExists(values.DONE);
    },
  );

  test(
    "leavesSilent",
    "does not wait for grandchildren that hold its output open",
    async (home, log) => {
      const before = performance.now();
      const { outcome } = await run(home, log, "leavesSilent");
      const pid = pidIn(log.output);
      const alive = await isAlive(pid);
      Deno.kill(pid, "SIGKILL");
      assert.deepEqual(outcome, { kind: "succeeded" });
      assert(alive, "it was killed");
      assert(performance.now() - before < 10_000);
    },
  );

  test("floods", "is passed on within bounds when it writes 100 MB", async (home, log) => {
    const before = performance.now();
    assert.deepEqual((await run(home, log, "floods")).outcome, { kind: "succeeded" });
    assert(performance.now() - before < 20_000);
    const bytes = log.output.reduce((sum, line) => sum + line.length + 1, 0);
    assert(bytes > 100_000 && bytes < 1_200_000, `${bytes}`);
    assert.match(log.output.at(-1) ?? "", /^\d+ bytes of output left out$/);
  });

  test("binary", "is shown as text, long lines cut, when it writes bytes", async (home, log) => {
    await run(home, log, "binary");
    assert.equal(log.output[0], "\\x1b[31mred\\x00\ufffd");
    assert.equal(log.output[1], "x".repeat(8192) + " … (11808 more bytes)");
  });

  test("notExecutable", "fails with path and remedy when not executable", async (home, log) => {
    const script = await kind.install(home, event, "succeeds", 0o644);
    await using runner = await open(home, log);
    const outcome = await runner.run(requestOf(event), never);
    assert(outcome.kind === "failed");
    assert(outcome.reason.includes(`chmod +x ${join(home.extensionsDir, script)}`), outcome.reason);
    assert.deepEqual(log.output, []);
  });

  test("noInterpreter", "fails with a hint when its interpreter is missing", async (home, log) => {
    const { reason } = await run(home, log, "noInterpreter");
    assert.match(reason, /exit status 127 \(a command or the script's interpreter/);
  });

  test("readsLargeValues", "gets a value over 128 KiB as a file alone", async (home, log) => {
    const facts = { ...noFacts, topology: { x: "y".repeat(200_000) }, members: { m: 1 } };
    const values = { LONG: "z".repeat(140_000) };
    const { outcome } = await run(home, log, "readsLargeValues", { values, facts });
    assert.deepEqual(outcome, { kind: "succeeded" });
    assert.deepEqual(log.output, [
      "topology absent 200008",
      'members {"m":1} {"m":1}',
      "mode 600",
      "long absent 140000",
    ]);
    assert.deepEqual([...Deno.readDirSync(join(home.stateDir, "extensions", "runs"))], []);
  });

  test("printsEnvironment", "sees none of the agent's secrets", async (home, log) => {
    // The names alone: what this process holds is inherited by everything that is started here.
    const secrets = ["MB_PASSWORD", "CEP_PASSWORD", "CARTRIDGE_KEY_FILE", "STRATOS_STALE"];
    const before = secrets.map((name) => [name, Deno.env.get(name)] as const);
    try {
      for (const name of secrets) Deno.env.set(name, "hidden");
      await run(home, log, "printsEnvironment");
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    }
    const text = log.output.join("\n");
    assert(text.includes("STRATOS_EVENT=StartServers"), text);
    assert(!/hidden|CARTRIDGE_AGENT_/.test(text), text);
  });
}
