import assert from "node:assert/strict";
import fc from "fast-check";
import { handlerArguments } from "../../src/logging/handler_arguments.ts";
import { templateFormat } from "../../src/logging/line_format.ts";
import {
  type IniSections,
  type LoggerPlan,
  type LogPlan,
  planLogs,
} from "../../src/logging/log_plan.ts";

type Sections = Record<string, Record<string, string>>;

const template: Sections = {
  formatters: { keys: "default" },
  formatter_default: { format: templateFormat, class: "logging.Formatter" },
  handlers: { keys: "console, error_file, log_file" },
  handler_console: { class: "logging.StreamHandler", formatter: "default", args: "tuple()" },
  handler_log_file: {
    class: "logging.FileHandler",
    level: "LOG_LEVEL",
    formatter: "default",
    args: '("agent.log", "w")',
  },
  handler_error_file: {
    class: "logging.FileHandler",
    level: "ERROR",
    formatter: "default",
    args: '("error.log", "w")',
  },
  loggers: { keys: "root" },
  logger_root: {
    level: "DEBUG",
    formatter: "default",
    handlers: "console,error_file,log_file",
  },
};

function ini(changes: Sections = {}): IniSections {
  const names = new Set([...Object.keys(template), ...Object.keys(changes)]);
  return new Map([...names].map((name) => [
    name,
    new Map(Object.entries({ ...template[name], ...changes[name] })),
  ]));
}

const format = templateFormat;
const errorFile = { kind: "file", level: "error", format, file: "error.log", startsAnew: true };

/** The root logger of a plan. */
function rootOf(plan: LogPlan): LoggerPlan {
  const [root] = plan.loggers;
  assert.ok(root?.name === "");
  return root;
}

function rootPlan(level: string, handlers: readonly unknown[]) {
  return { loggers: [{ name: "", level, handlers, propagate: false }] };
}

Deno.test("plan: is the template's when the template is read, LOG_LEVEL from the environment", () => {
  assert.deepEqual(planLogs(ini(), "WARN"), {
    plan: rootPlan("debug", [
      { kind: "console", stream: "stdout", level: "debug", format },
      errorFile,
      { kind: "file", level: "warning", format, file: "agent.log", startsAnew: true },
    ]),
    warnings: [],
  });
});

Deno.test("plan: is console, agent.log and error.log at LOG_LEVEL when there is no logging.ini", () => {
  assert.deepEqual(planLogs(undefined, "debug"), {
    plan: rootPlan("debug", [
      { kind: "console", stream: "stdout", level: "debug", format },
      { kind: "file", level: "debug", format, file: "agent.log" },
      { kind: "file", level: "error", format, file: "error.log" },
    ]),
    warnings: [],
  });
});

for (
  const [name, level] of Object.entries({
    DEBUG: "debug",
    INFO: "info",
    WARN: "warning",
    WARNING: "warning",
    ERROR: "error",
    CRITICAL: "critical",
    FATAL: "critical",
    NOTSET: "debug",
    LOG_LEVEL: "error",
    "": "error",
  })
) {
  Deno.test(`plan: has ${level} at the root when logging.ini says "${name}"`, () => {
    assert.equal(
      rootOf(planLogs(ini({ logger_root: { level: name } }), "ERROR").plan).level,
      level,
    );
  });
}

const oddities: readonly [string, Sections, RegExp][] = [
  ["a level that is none", { handler_log_file: { level: "LOUD" } }, /\[handler_log_file\] level/],
  ["an unknown class", { handler_console: { class: "x.Syslog" } }, /\[handler_console\] class/],
  ["a handler without section", { logger_root: { handlers: "console,z" } }, /\[handler_z\]/],
  ["a formatter without section", { handler_console: { formatter: "z" } }, /_console\] formatter/],
  ["arguments that are no tuple", { handler_log_file: { args: "open()" } }, /_log_file\] args/],
  ["a path outside", { handler_log_file: { args: '("/etc/passwd",)' } }, /_log_file\] args/],
  ["a mode that is none", { handler_log_file: { args: '("agent.log", "x")' } }, /_file\] args/],
  ["a logger without section", { loggers: { keys: "root,mqtt" } }, /\[logger_mqtt\]/],
  [
    "a logger without name",
    { loggers: { keys: "root,a" }, logger_a: { level: "INFO", handlers: "" } },
    /\[logger_a\] qualname/,
  ],
  [
    "a propagation that is none",
    { loggers: { keys: "root,a" }, logger_a: { qualname: "a", propagate: "perhaps" } },
    /\[logger_a\] propagate/,
  ],
  [
    "the same logger twice",
    { loggers: { keys: "root,a,b" }, logger_a: { qualname: "a" }, logger_b: { qualname: "a" } },
    /\[logger_b\] qualname/,
  ],
  ["a key that means nothing", { handler_console: { encoding: "x" } }, /_console\] encoding/],
  [
    "a time that is none",
    {
      handler_log_file: {
        class: "handlers.TimedRotatingFileHandler",
        args: '("agent.log", "fortnight")',
      },
    },
    /_log_file\] args.*fortnight/,
  ],
];
for (const [title, changes, warning] of oddities) {
  Deno.test(`plan: warns once, with section and key, when it meets ${title}`, () => {
    const { plan, warnings } = planLogs(ini(changes), "INFO");
    assert.equal(warnings.length, 1, warnings.join("\n"));
    assert.match(String(warnings[0]), warning);
    assert.ok(rootOf(plan).handlers.length > 0);
  });
}

Deno.test("plan: never leaves the log directory", () => {
  for (const file of ["../../etc/cron.d/x", "/etc/x", "..", "a/..", "/"]) {
    const { plan } = planLogs(ini({ handler_log_file: { args: `("${file}", "w")` } }), "INFO");
    const files = rootOf(plan).handlers.flatMap((handler) =>
      handler.kind === "file" ? handler.file : []
    );
    assert.ok(files.every((name) => /^[\w.]+$/.test(name) && !name.startsWith("..")), `${files}`);
  }
});

Deno.test("plan: is the usual one when the root logger is missing or names nothing usable", () => {
  const usual = planLogs(undefined, "INFO").plan;
  const none = planLogs(new Map(), "INFO");
  assert.deepEqual(none.plan, usual);
  assert.match(String(none.warnings[0]), /\[logger_root\]/);
  assert.deepEqual(
    rootOf(planLogs(ini({ logger_root: { handlers: " , " } }), "INFO").plan).handlers,
    rootOf(usual).handlers,
  );
});

Deno.test("plan: takes size and number from a RotatingFileHandler, but not without bound", () => {
  const rotating = (args: string) => {
    const changes = {
      handler_log_file: { class: "logging.handlers.RotatingFileHandler", args },
    };
    return rootOf(planLogs(ini(changes), "INFO").plan).handlers[2];
  };
  const base = { kind: "file", level: "info", format, file: "agent.log" };
  assert.deepEqual(rotating('("agent.log", "a", 4*1024, 3)'), {
    ...base,
    maxBytes: 4096,
    backups: 3,
  });
  // Python goes on with what is there when a handler rotates by size, whatever the mode.
  assert.deepEqual(rotating('("agent.log", "w", 5000, 3)'), {
    ...base,
    maxBytes: 5000,
    backups: 3,
  });
  assert.deepEqual(rotating('("agent.log", "a", 0, 0)'), base);
  assert.deepEqual(rotating('("agent.log", "a", 1, 99999)'), {
    ...base,
    maxBytes: 1,
    backups: 100,
  });
});

Deno.test("plan: has named loggers with levels, handlers and whether they propagate", () => {
  const { plan, warnings } = planLogs(
    ini({
      loggers: { keys: "root, quiet, broker" },
      logger_quiet: { qualname: "extensions.output", handlers: "", propagate: "0" },
      logger_broker: { qualname: "broker", level: "DEBUG", handlers: "error_file", propagate: "1" },
    }),
    "INFO",
  );
  assert.deepEqual(warnings, []);
  assert.deepEqual(plan.loggers.slice(1), [
    { name: "extensions.output", handlers: [], propagate: false },
    { name: "broker", level: "debug", handlers: [errorFile], propagate: true },
  ]);
  assert.equal(plan.loggers[2]?.handlers[0], rootOf(plan).handlers[1], "a handler is one");
});

Deno.test("plan: takes standard error, a time format and the mode of a file", () => {
  const { plan, warnings } = planLogs(
    ini({
      handler_console: { args: "(sys.stderr,)" },
      handler_log_file: { args: '("agent.log", "a")' },
      formatter_default: { datefmt: "%H:%M" },
    }),
    "INFO",
  );
  const timeFormat = "%H:%M";
  assert.deepEqual(warnings, []);
  assert.deepEqual(rootOf(plan).handlers, [
    { kind: "console", stream: "stderr", level: "debug", format, timeFormat },
    { ...errorFile, timeFormat },
    { kind: "file", level: "info", format, timeFormat, file: "agent.log" },
  ]);
});

Deno.test("plan: takes the time from a TimedRotatingFileHandler", () => {
  const handler = "handlers.TimedRotatingFileHandler";
  const timed = (args: string) => {
    const changes = { handler_log_file: { class: handler, args } };
    const { plan, warnings } = planLogs(ini(changes), "INFO");
    assert.deepEqual(warnings, []);
    return rootOf(plan).handlers[2];
  };
  const base = { kind: "file", level: "info", format, file: "agent.log" };
  assert.deepEqual(timed('("agent.log", "midnight", 1, 7)'), {
    ...base,
    backups: 7,
    timed: { unit: "midnight", interval: 1, utc: false },
  });
  assert.deepEqual(timed('("agent.log",)'), {
    ...base,
    timed: { unit: "hours", interval: 1, utc: false },
  });
  assert.deepEqual(timed('("agent.log", "w6", 3, 0, None, False, True)'), {
    ...base,
    timed: { unit: "week", interval: 1, weekday: 6, utc: true },
  });
});

Deno.test("plan: uses INFO and says so when LOG_LEVEL is no level", () => {
  const { plan, warnings } = planLogs(undefined, "@@LOG_LEVEL@@");
  assert.equal(rootOf(plan).level, "info");
  assert.match(warnings.join(), /LOG_LEVEL.*@@LOG_LEVEL@@/);
});

Deno.test("plan: never fails whatever logging.ini holds", () => {
  const words = fc.oneof(
    fc.string(),
    fc.constantFrom("root", "a", "handler_a", "logging.FileHandler", '("a", "b", 1)', "LOG_LEVEL"),
  );
  const names = fc.constantFrom("logger_root", "handler_a", "formatter_a", "loggers", "x");
  const keys = fc.constantFrom("level", "handlers", "class", "args", "formatter", "format", "keys");
  fc.assert(fc.property(fc.dictionary(names, fc.dictionary(keys, words)), words, (any, level) => {
    const sections = new Map(
      Object.entries(any).map(([name, values]) => [
        name,
        new Map(Object.entries(values)),
      ]),
    );
    assert.ok(rootOf(planLogs(sections, level).plan).handlers.length > 0);
  }));
});

const tuples: readonly [string, unknown][] = [
  ["", []],
  ["tuple()", []],
  ["()", []],
  ['("agent.log", "w")', ["agent.log", "w"]],
  ["('it''s',)", undefined],
  ["('a, b',)", ["a, b"]],
  [`(r"x", 'it\\'s', 10, -1)`, ["x", "it's", 10, -1]],
  ["(sys.stdout,)", [{ expression: "sys.stdout" }]],
  ["(10*1024 * 1024,)", [10 * 1024 * 1024]],
  ["('a', None, delay=True)", ["a", { expression: "None" }, { expression: "delay=True" }]],
  ["('a'", undefined],
  ["('a' 'b')", undefined],
  ["os.path.join('a')", undefined],
];
for (const [text, expected] of tuples) {
  Deno.test(`handler arguments: of ${text || "nothing"} are read without running them`, () => {
    assert.deepEqual(handlerArguments(text), expected);
  });
}
