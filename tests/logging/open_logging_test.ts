import assert from "node:assert/strict";
import { join } from "node:path";
import { Redactor } from "../../src/base/redactor.ts";
import { Secret } from "../../src/base/secret.ts";
import { FakeClock } from "../fake_clock.ts";
import { type LoggingOptions, openLogging } from "../../src/logging/open_logging.ts";

interface Room {
  readonly dir: string;
  /** Opens logs, writes them, closes them. */
  readonly run: (
    options: Partial<LoggingOptions>,
    work: (log: Awaited<ReturnType<typeof openLogging>>) => void | Promise<void>,
  ) => Promise<void>;
  readonly console: () => string;
  readonly file: (name: string) => string;
  readonly redactor: Redactor;
}

async function inRoom(work: (room: Room) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "logs " });
  let console = "";
  const redactor = new Redactor();
  const room: Room = {
    dir,
    redactor,
    console: () => console,
    file: (name) => Deno.readTextFileSync(join(dir, "logs", name)),
    run: async (options, write) => {
      await using opened = await openLogging({
        logDir: join(dir, "logs"),
        level: "INFO",
        format: "text",
        redactor,
        console: (bytes) => Promise.resolve(void (console += new TextDecoder().decode(bytes))),
        ...options,
      });
      await write(opened);
    },
  };
  try {
    await work(room);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const messages = (text: string) =>
  text.split("\n").flatMap((line) => / - (.*)$/.exec(line)?.[1] ?? []);

Deno.test("logs: go to console and agent.log, errors to error.log too, in order", async () => {
  await inRoom(async (room) => {
    await room.run({}, ({ log }) => {
      log.debug("below");
      log.child("a").info("one");
      log.child("a").error("two");
      log.child("a").child("b").warning("three");
    });
    assert.deepEqual(messages(room.console()), ["one", "two", "three"]);
    assert.equal(room.file("agent.log"), room.console());
    assert.deepEqual(messages(room.file("error.log")), ["two"]);
    assert.equal(room.file("cartridge-agent-extensions.log"), "");
    assert.match(room.console(), /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] INFO \{a:-\} - one\n/);
  });
});

Deno.test("logs: have the output of extensions in its own file and on the console", async () => {
  await inRoom(async (room) => {
    await room.run({}, ({ log }) => {
      log.child("extensions").child("output").child("StartServers").info("from the script");
      log.child("extensions").child("output").error("bad");
      log.child("extensions").info("about the script");
      log.child("extensions").child("outputs").info("another part");
    });
    const output = ["from the script", "bad"];
    const own = ["about the script", "another part"];
    assert.deepEqual(messages(room.file("cartridge-agent-extensions.log")), output);
    assert.deepEqual(messages(room.file("agent.log")), own);
    assert.equal(room.file("error.log"), "");
    assert.deepEqual(messages(room.console()), [...output, ...own]);
  });
});

Deno.test("logs: are JSON lines everywhere when that is the format", async () => {
  await inRoom(async (room) => {
    await room.run({ format: "json" }, ({ log }) => {
      log.child("a").error("one", { n: 1 });
      log.child("extensions").child("output").info("two");
    });
    for (const name of ["agent.log", "error.log", "cartridge-agent-extensions.log"]) {
      for (const line of room.file(name).trimEnd().split("\n")) JSON.parse(line);
    }
    assert.deepEqual(JSON.parse(room.file("error.log")).facts, { n: 1 });
    assert.equal(room.console().trimEnd().split("\n").length, 2);
  });
});

Deno.test("logs: keep a bounded number of bounded files when much is written", async () => {
  await inRoom(async (room) => {
    await room.run({ rotation: { maxBytes: 2_000, backups: 2 } }, async ({ log }) => {
      for (let line = 0; line < 300; line++) {
        log.info(`line ${line} ${"x".repeat(50)}`);
        if (line % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
    });
    const files = [...Deno.readDirSync(join(room.dir, "logs"))].map((entry) => entry.name).sort();
    assert.deepEqual(files, [
      "agent.log",
      "agent.log.1",
      "agent.log.2",
      "cartridge-agent-extensions.log",
      "error.log",
    ]);
    const kept = ["agent.log.2", "agent.log.1", "agent.log"].map((name) => room.file(name));
    assert.ok(kept.every((text) => text.length <= 2_000 && text.length > 0));
    const numbers = messages(kept.join("")).map((message) => Number(message.split(" ")[1]));
    assert.equal(numbers.at(-1), 299);
    assert.deepEqual(numbers, numbers.map((_, index) => 300 - numbers.length + index));
  });
});

Deno.test("logs: are continued, not emptied, when the agent starts again", async () => {
  await inRoom(async (room) => {
    await room.run({}, ({ log }) => log.info("first"));
    await room.run({}, ({ log }) => log.info("second"));
    assert.deepEqual(messages(room.file("agent.log")), ["first", "second"]);
  });
});

Deno.test("logs: keep two agents of one process apart", async () => {
  await inRoom(async (one) => {
    await inRoom(async (other) => {
      one.redactor.add(new Secret("only-one-knows"));
      await one.run({}, async ({ log }) => {
        await other.run({ level: "DEBUG" }, (inner) => {
          log.debug("unseen");
          log.info("only-one-knows");
          inner.log.debug("only-one-knows, seen");
        });
        log.info("after the other closed");
      });
      assert.deepEqual(messages(one.file("agent.log")), ["***", "after the other closed"]);
      assert.deepEqual(messages(other.file("agent.log")), ["only-one-knows, seen"]);
    });
  });
});

Deno.test("logs: go on with the console and one warning when the directory cannot be used", async () => {
  await inRoom(async (room) => {
    await Deno.writeTextFile(join(room.dir, "logs"), "a file is in the way");
    await room.run({}, ({ log }) => {
      log.error("one");
      log.child("extensions").child("output").info("two");
    });
    const lines = messages(room.console());
    assert.equal(lines.length, 3, room.console());
    assert.match(String(lines[0]), /^Cannot write ".*agent\.log": .*the console goes on/);
    assert.deepEqual(lines.slice(1), ["one", "two"]);
  });
});

Deno.test("logs: use the console in place of files that fail, even if the plan has none", async () => {
  await inRoom(async (room) => {
    const ini = new Map([
      ["logger_root", new Map([["level", "INFO"], ["handlers", "f"]])],
      ["handler_f", new Map([["class", "FileHandler"], ["args", "('agent.log',)"]])],
    ]);
    await room.run({ ini }, ({ log }) => log.info("to the file"));
    assert.equal(room.console(), "");
    await Deno.remove(join(room.dir, "logs"), { recursive: true });
    await Deno.writeTextFile(join(room.dir, "logs"), "a file is in the way");
    await room.run({ ini }, ({ log }) => log.info("to the console"));
    assert.deepEqual(messages(room.console()).slice(1), ["to the console"]);
  });
});

Deno.test("logs: go on with the console and one warning when the disk is full", async () => {
  await inRoom(async (room) => {
    await Deno.mkdir(join(room.dir, "logs"));
    await Deno.symlink("/dev/full", join(room.dir, "logs", "agent.log"));
    await room.run({}, async ({ log }) => {
      for (let line = 0; line < 3; line++) {
        log.error(`line ${line}`);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    });
    const lines = messages(room.console());
    assert.deepEqual(lines.filter((line) => line.startsWith("line")), [
      "line 0",
      "line 1",
      "line 2",
    ]);
    const warnings = lines.filter((line) => !line.startsWith("line"));
    assert.equal(warnings.length, 1, room.console());
    assert.match(String(warnings[0]), /^Cannot write ".*agent\.log": No space left/);
    assert.deepEqual(messages(room.file("error.log")), ["line 0", "line 1", "line 2"]);
  });
});

Deno.test("logs: go on with the files and one warning when the console is closed", async () => {
  await inRoom(async (room) => {
    const console = () => Promise.reject(new Error("Broken pipe"));
    await room.run({ console }, async ({ log }) => {
      for (let line = 0; line < 3; line++) {
        log.error(`line ${line}`);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    });
    const lines = messages(room.file("agent.log"));
    assert.equal(lines.filter((line) => line.startsWith("line")).length, 3);
    assert.deepEqual(
      lines.filter((line) => !line.startsWith("line")),
      ["Cannot write to the console: Broken pipe"],
    );
  });
});

Deno.test("logs: write an error to the file before the call returns", async () => {
  await inRoom(async (room) => {
    await room.run({}, ({ log }) => {
      log.info("before");
      log.error("now");
      assert.deepEqual(messages(room.file("agent.log")), ["before", "now"]);
    });
  });
});

Deno.test("logs: say what logging.ini holds that is not understood", async () => {
  await inRoom(async (room) => {
    const ini = new Map([["logger_root", new Map([["level", "LOUD"], ["handlers", "c"]])], [
      "handler_c",
      new Map([["class", "StreamHandler"]]),
    ]]);
    await room.run({ ini }, ({ warnings }) => {
      assert.equal(warnings.length, 1);
      assert.match(String(warnings[0]), /\[logger_root\] level is "LOUD"/);
    });
    assert.match(room.console(), /\[logger_root\] level is "LOUD"/);
  });
});

Deno.test("logs: show no record that a message forged", async () => {
  await inRoom(async (room) => {
    const forged = "x\n[2026-01-01 00:00:00,000] ERROR {agent:-} - forged";
    await room.run({}, ({ log }) => {
      log.info(forged, { fact: forged, [forged]: 1 });
      log.child(forged).info("y");
      log.child("extensions").child("output").info(forged);
    });
    assert.equal(room.file("agent.log").trimEnd().split("\n").length, 2);
    assert.equal(room.file("cartridge-agent-extensions.log").trimEnd().split("\n").length, 1);
  });
});

for (const format of ["text", "json"] as const) {
  Deno.test(`logs: hold no secret in any ${format} file at any level`, async () => {
    await inRoom(async (room) => {
      const canary = 'canary"pass\nw\\ord €';
      room.redactor.add(new Secret(canary));
      room.redactor.add(new Secret("31415926"));
      await room.run({ level: "DEBUG", format }, ({ log }) => {
        for (const part of [log, log.child("a"), log.child("extensions").child("output")]) {
          for (const level of ["debug", "info", "warning", "error"] as const) {
            part[level](`message ${canary} and ${encodeURIComponent(canary)}`);
            part[level]("fact", {
              fact: canary,
              [canary]: 1,
              pin: 31415926,
              secret: new Secret("x"),
            });
            part[level]("nested", {
              a: [{ b: { c: [canary] } }],
              m: new Map([["k", canary]]),
            });
            part[level]("error", { error: new Error(canary, { cause: new Error(canary) }) });
            part[level](`url http://user:${encodeURIComponent(canary)}@host/ Basic YTpjYW5hcnk=`);
          }
        }
        log.child(canary).error("name");
      });
      const all = [
        room.console(),
        ...["agent.log", "error.log", "cartridge-agent-extensions.log"].map(room.file),
      ];
      for (const text of all) {
        assert.ok(text.includes("***"));
        const leaks = text.match(/.{0,40}(canary|w\\+ord|31415926|YTpjYW5hcnk).{0,40}/g);
        assert.deepEqual(leaks, null);
      }
      assert.equal(all[0]?.trimEnd().split("\n").length, 61);
    });
  });
}

Deno.test("logs: are files that others cannot read, the rotated ones too", async () => {
  await inRoom(async (room) => {
    await room.run({ rotation: { maxBytes: 500, backups: 2 } }, async ({ log }) => {
      for (let line = 0; line < 40; line++) {
        log.error(`line ${line} ${"x".repeat(50)}`);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    });
    const modes = [...Deno.readDirSync(join(room.dir, "logs"))].map(({ name }) =>
      `${name} ${((Deno.statSync(join(room.dir, "logs", name)).mode ?? 0) & 0o7777).toString(8)}`
    );
    const expected = ["agent.log", "error.log"].flatMap((name) => [name, `${name}.1`, `${name}.2`]);
    assert.deepEqual(
      modes.sort(),
      [...expected, "cartridge-agent-extensions.log"].sort().map((name) =>
        `${name} ${(0o640 & ~Deno.umask()).toString(8)}`
      ),
    );
  });
});

Deno.test("logs: keep the mode that somebody gave a file", async () => {
  await inRoom(async (room) => {
    await room.run({}, ({ log }) => log.info("first"));
    await Deno.chmod(join(room.dir, "logs", "agent.log"), 0o644);
    await room.run({}, ({ log }) => log.info("second"));
    assert.equal((Deno.statSync(join(room.dir, "logs", "agent.log")).mode ?? 0) & 0o777, 0o644);
  });
});

Deno.test("logs: begin a file anew when no earlier one is to be kept", async () => {
  await inRoom(async (room) => {
    await room.run({ rotation: { maxBytes: 100, backups: 0 } }, async ({ log }) => {
      for (let line = 0; line < 4; line++) {
        log.error(`line ${line} ${"x".repeat(50)}`);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    });
    const names = [...Deno.readDirSync(join(room.dir, "logs"))].map(({ name }) => name).sort();
    assert.deepEqual(names, ["agent.log", "cartridge-agent-extensions.log", "error.log"]);
    assert.match(room.file("agent.log"), /line 3 x+\n$/);
    assert.equal(messages(room.file("agent.log")).length, 1);
  });
});

for (const [limit, options] of [[1_000, {}], [300, { closeLimitMs: 300 }]] as const) {
  Deno.test(`logs: are closed after ${limit} ms at most when the console does not take anything`, async () => {
    await inRoom(async (room) => {
      const clock = new FakeClock();
      const opened = await openLogging({
        logDir: join(room.dir, "logs"),
        level: "INFO",
        format: "text",
        redactor: room.redactor,
        console: () => new Promise(() => {}),
        clock,
        ...options,
      });
      opened.log.info("to the files");
      let closed = false;
      const closing = opened[Symbol.asyncDispose]().then(() => closed = true);
      await clock.advance(limit - 1);
      assert.equal(closed, false);
      await clock.advance(1);
      await closing;
      assert.equal(clock.monotonicMs(), limit);
      assert.deepEqual(messages(room.file("agent.log")), ["to the files"]);
    });
  });
}

Deno.test("logs: tell on the console of a file that fails only as it is closed", async () => {
  await inRoom(async (room) => {
    await Deno.mkdir(join(room.dir, "logs"));
    await Deno.symlink("/dev/full", join(room.dir, "logs", "agent.log"));
    await room.run({}, ({ log }) => log.info("waits until the end"));
    const [line, trouble, ...others] = messages(room.console());
    assert.equal(line, "waits until the end");
    assert.match(`${trouble}`, /^Cannot write ".*agent\.log": No space left/);
    assert.deepEqual(others, []);
  });
});

Deno.test("logs: tell on the console of a file that cannot be rotated", async () => {
  await inRoom(async (room) => {
    // Nothing can be renamed to this: the second write, which rotates, fails.
    await Deno.mkdir(join(room.dir, "logs", "agent.log.1", "x"), { recursive: true });
    const ini = new Map([
      ["logger_root", new Map([["level", "INFO"], ["handlers", "f"]])],
      ["handler_f", new Map([["class", "FileHandler"], ["args", "('agent.log',)"]])],
    ]);
    await room.run({ ini, rotation: { maxBytes: 100, backups: 1 } }, ({ log }) => {
      for (let line = 0; line < 2; line++) log.info(`${line} waits until the end`);
    });
    assert.match(room.console(), /Cannot write ".*agent\.log": /);
  });
});

Deno.test("logs: count what a file held already towards its size", async () => {
  await inRoom(async (room) => {
    await Deno.mkdir(join(room.dir, "logs"));
    await Deno.writeTextFile(join(room.dir, "logs", "agent.log"), "earlier\n".repeat(50));
    const rotation = { maxBytes: 450, backups: 1 };
    await room.run({ rotation }, ({ log }) => log.info("now ".repeat(20)));
    assert.match(room.file("agent.log.1"), /^(earlier\n){50}$/);
    assert.equal(messages(room.file("agent.log")).length, 1);
  });
});

/** A `logging.ini` of sections. */
function iniOf(sections: Record<string, Record<string, string>>) {
  return new Map(
    Object.entries(sections).map(([name, keys]) => [name, new Map(Object.entries(keys))]),
  );
}

Deno.test("logs: follow the named loggers of logging.ini, to standard error too", async () => {
  await inRoom(async (room) => {
    let errors = "";
    const ini = iniOf({
      loggers: { keys: "root,broker,script" },
      logger_root: { level: "INFO", handlers: "file" },
      logger_broker: { qualname: "broker", level: "DEBUG", handlers: "errors", propagate: "0" },
      logger_script: {
        qualname: "extensions.output.StartServers",
        handlers: "script,script",
        propagate: "0",
      },
      handler_file: { class: "FileHandler", args: '("agent.log", "a")' },
      handler_script: { class: "FileHandler", args: '("start.log", "a")' },
      handler_errors: { class: "StreamHandler", args: "(sys.stderr,)" },
    });
    const errorConsole = (bytes: Uint8Array) =>
      Promise.resolve(void (errors += new TextDecoder().decode(bytes)));
    await room.run({ ini, errorConsole }, ({ log, warnings }) => {
      assert.deepEqual(warnings, []);
      log.child("broker").child("outbox").debug("from the broker");
      log.child("lifecycle").debug("below");
      log.child("lifecycle").info("from the lifecycle");
      log.child("extensions").child("output").child("StartServers").info("from the script");
      log.child("extensions").child("output").child("clean").info("from another");
    });
    assert.deepEqual(messages(errors), ["from the broker"]);
    assert.deepEqual(messages(room.file("agent.log")), ["from the lifecycle"]);
    assert.deepEqual(messages(room.file("start.log")), ["from the script"]);
    assert.deepEqual(messages(room.file("cartridge-agent-extensions.log")), [
      "from the script",
      "from another",
    ]);
    assert.equal(room.console(), "");
  });
});

Deno.test("logs: begin a new file at each start when the mode is w, the one before is kept", async () => {
  await inRoom(async (room) => {
    const ini = iniOf({
      logger_root: { level: "INFO", handlers: "all,errors" },
      handler_all: { class: "FileHandler", args: '("agent.log", "w")' },
      handler_errors: { class: "FileHandler", level: "ERROR", args: '("error.log", "w")' },
    });
    for (const message of ["first", "second", "third"]) {
      await room.run({ ini }, ({ log }) => log.info(message));
    }
    assert.deepEqual(messages(room.file("agent.log")), ["third"]);
    assert.deepEqual(messages(room.file("agent.log.1")), ["second"]);
    assert.deepEqual(messages(room.file("agent.log.2")), ["first"]);
    // Nothing was written to it: there is nothing to be kept.
    assert.throws(() => room.file("error.log.1"), Deno.errors.NotFound);
  });
});

Deno.test("logs: write the time as the formatter's datefmt says", async () => {
  await inRoom(async (room) => {
    const ini = iniOf({
      logger_root: { level: "INFO", handlers: "file" },
      handler_file: { class: "FileHandler", formatter: "short", args: '("agent.log", "a")' },
      formatter_short: { format: "%(asctime)s %(message)s", datefmt: "%Y/%m" },
    });
    await room.run({ ini, clock: new FakeClock() }, ({ log }) => log.info("hello"));
    assert.match(room.file("agent.log"), /^\d{4}\/\d\d hello\n$/);
  });
});
