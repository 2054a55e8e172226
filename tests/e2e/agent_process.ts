import { fileURLToPath } from "node:url";
import { modulesOf } from "../../src/agent/modules.ts";
import { environmentNames } from "../../src/config/fields.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { renderFlags } from "../../src/scope/render_scope.ts";
import { runtimeScope } from "../../src/scope/runtime_scope.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));

/** The agent as a process of its own, with exactly the permissions of its configuration. */
export interface AgentProcess extends AsyncDisposable {
  readonly pid: number;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit status. */
  end(): Promise<number>;
  /** Resolves with the exit status. */
  readonly ended: Promise<number>;
  /** What it wrote to standard output and standard error so far. */
  output(): string;
}

/** What a process of the agent is started with. */
export interface AgentProcessOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Permission flags instead of those of its configuration. */
  readonly flags?: readonly string[];
  /** A program and its first arguments instead of Deno, flags and sources. */
  readonly program?: readonly string[];
}

/** The permission flags of a home, one element each. */
export async function flagsOf(home: string): Promise<readonly string[]> {
  const { config, filesLookedFor } = await loadConfig({
    home,
    cwd: home,
    readEnv: () => undefined,
  });
  const { modules, grants } = await modulesOf(config);
  return renderFlags(
    runtimeScope(config, {
      environmentNames,
      filesLookedFor,
      programDir: `${project}src`,
      modules: { ...grants, isUsed: modules.length > 0 },
    }),
  );
}

/** Starts the agent in a home as `scripts/agent run` does, without asking for the flags in between. */
export async function startAgentProcess(
  home: string,
  options: AgentProcessOptions = {},
): Promise<AgentProcess> {
  const [program, ...first] = options.program ?? [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--v8-flags=--max-semi-space-size=1",
    "--no-code-cache",
    ...options.flags ?? await flagsOf(home),
    `${project}main.ts`,
  ];
  const child = new Deno.Command(program!, {
    args: [...first, "run", "--home", home],
    clearEnv: true,
    env: { ...keptEnvironment(), LOG_LEVEL: "DEBUG", ...options.environment },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  };
  const reading = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const ended = child.status.then(async ({ code }) => {
    await reading;
    return code;
  });
  let over = false;
  const signal = (name: Deno.Signal) => {
    if (!over) child.kill(name);
    return ended;
  };
  void child.status.then(() => over = true); // never rejects
  return {
    pid: child.pid,
    kill: async () => void await signal("SIGKILL"),
    end: () => signal("SIGTERM"),
    ended,
    output: () => output,
    [Symbol.asyncDispose]: async () => void await signal("SIGKILL"),
  };
}

/** What Deno and the scripts need; the rest of the tests' environment is nobody's business. */
function keptEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "TMPDIR", "NPM_CONFIG_REGISTRY"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
