import type { HandlerArgument } from "./handler_arguments.ts";
import type { FileHandlerPlan } from "./log_plan.ts";
import { findTimedRotation } from "./timed_rotation.ts";

/** What the arguments of a handler say about its file. */
type WantedFile = Omit<FileHandlerPlan, "kind" | "level" | "format" | "timeFormat">;

/** Reads the arguments of one class of handlers; what is wrong with them goes to `warn`. */
export type FileArguments = (
  given: readonly HandlerArgument[],
  warn: (problem: string) => void,
) => WantedFile;

const maxBackups = 100;

/** `FileHandler(file, mode)`. */
export const wantedFile: FileArguments = ([file, mode], warn) => ({
  file: fileName(file, warn),
  ...startOf(mode, warn),
});

/** `RotatingFileHandler(file, mode, maxBytes, backupCount)`. */
export const sizedFile: FileArguments = ([file, mode, maxBytes, backups], warn) => ({
  file: fileName(file, warn),
  // Python goes on with what is there when a handler rotates by size, whatever the mode.
  ...positive(maxBytes) === undefined ? startOf(mode, warn) : {},
  // 0 is Python's way to say "never", which would grow without bound.
  ...number("maxBytes", positive(maxBytes)),
  ...number("backups", positive(backups)),
});

/** `TimedRotatingFileHandler(file, when, interval, backupCount, encoding, delay, utc)`. */
export const timedFile: FileArguments = (given, warn) => {
  const [file, when, interval, backups, , , utc] = given;
  const unit = typeof when === "string" ? when : "h";
  const isUtc = typeof utc === "object" && utc.expression === "True";
  const timed = findTimedRotation(unit, positive(interval) ?? 1, isUtc);
  if (timed === undefined) {
    warn(
      `has the time "${unit}", not S, M, H, D, midnight or W0 to W6; size alone rotates the file`,
    );
  }
  return {
    file: fileName(file, warn),
    ...number("backups", positive(backups)),
    ...timed === undefined ? {} : { timed },
  };
};

function fileName(given: HandlerArgument | undefined, warn: (problem: string) => void): string {
  const name = typeof given === "string" ? given.split("/").at(-1) : undefined;
  if (name === undefined || name === "" || name === "." || name === "..") {
    warn('names no file in the form ("agent.log", "a"); agent.log is used');
    return "agent.log";
  }
  if (name !== given) warn(`names another directory; "${name}" in the log directory is used`);
  return name;
}

function startOf(mode: HandlerArgument | undefined, warn: (problem: string) => void) {
  if (mode === "w" || mode === "w+") return { startsAnew: true };
  if (mode !== undefined && mode !== "a" && mode !== "a+") {
    warn('has a mode that is neither "a" nor "w"; "a" is used');
  }
  return {};
}

function positive(value: HandlerArgument | undefined): number | undefined {
  return typeof value === "number" && value > 0 ? value : undefined;
}

function number(name: "maxBytes" | "backups", value: number | undefined) {
  if (value === undefined) return {};
  return { [name]: name === "backups" ? Math.min(value, maxBackups) : value };
}
