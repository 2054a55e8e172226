import { cannot } from "../base/errors.ts";
import type { RuntimeScope } from "./runtime_scope.ts";

/** Deno's separator, and what would break a list with one flag a line. */
const unquotable = /[,\p{Cc}]/u;

/**
 * The scope as arguments for `deno run` or `deno compile`, one element each; to be used without a
 * shell or quoted.
 *
 * `--ignore-env` makes every other variable read as unset, which the libraries take well, instead of
 * a refusal, which they do not. `--no-remote` is there because loading modules over the network is not
 * governed by `--allow-net`.
 *
 * @throws AgentError of kind `configuration` for a path with a comma or a control character: Deno has
 * no way to write one in a flag.
 */
export function renderFlags(scope: RuntimeScope): readonly string[] {
  return [
    ...flag("--allow-net", scope.net),
    ...flag("--allow-read", scope.read),
    ...flag("--allow-write", scope.write),
    ...flag("--allow-run", scope.run),
    ...flag("--allow-sys", scope.sys),
    ...flag("--allow-env", scope.env),
    "--ignore-env",
    "--no-remote",
  ];
}

/**
 * The scope as arguments for `deno compile`, for a binary that fits this configuration alone: a peer or
 * path that the configuration names later is refused to it. Such a binary is granted nothing in excess
 * and runs without a seal.
 *
 * Besides the permissions: workers may have permissions of their own, nobody is ever asked for one, and
 * no code cache is written to a place in TMPDIR that others can foresee.
 *
 * @throws AgentError as {@link renderFlags}.
 */
export function renderCompile(scope: RuntimeScope): readonly string[] {
  return [...renderFlags(scope), "--no-prompt", "--no-code-cache", "--unstable-worker-options"];
}

/** The scope as indented JSON: the kinds in a fixed order, each a list. */
export function renderJson(scope: RuntimeScope): string {
  const { net, read, write, run, sys, env } = scope;
  return JSON.stringify({ net, read, write, run, sys, env }, undefined, 2);
}

/** One flag, or none for an empty list: a bare flag would allow everything. */
export function flag(name: string, values: readonly string[]): readonly string[] {
  if (values.length === 0) return [];
  for (const value of values) {
    if (value === "" || unquotable.test(value)) {
      throw cannot(
        "write as a permission flag",
        value,
        "a path must not be empty and must not contain a comma or a control character; rename it",
        { kind: "configuration", data: { flag: name } },
      );
    }
  }
  return [`${name}=${values.join(",")}`];
}
