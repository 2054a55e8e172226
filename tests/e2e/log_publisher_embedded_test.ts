import assert from "node:assert/strict";
import { join } from "node:path";
import { openCepServer, type ReceivedEvent } from "../../src/sandbox/cep_server.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience } from "./scene.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const ways: readonly (readonly [string, readonly string[] | undefined])[] = [
  ["exactly its scope", undefined],
  ["everything, and sealed", ["--allow-all"]],
];
for (const [title, flags] of ways) {
  Deno.test(`log lines: an agent that was granted ${title} publishes them once from the start of the instance`, async () => {
    await using directory = await temporaryDirectory();
    const events: ReceivedEvent[] = [];
    const [username, password] = ["monitor", "canary-monitor-password"];
    await using server = await openCepServer({
      username,
      password,
      onEvent: (event) => events.push(event),
      onProblem: (problem) => assert.fail(problem),
    });
    const caFile = join(directory.path, "ca.pem");
    await Deno.writeTextFile(caFile, server.caPem);
    const appLog = join(directory.path, "app.log");
    const append = (...numbers: readonly number[]) =>
      Deno.writeTextFile(appLog, numbers.map((number) => `app ${number}\n`).join(""), {
        append: true,
      });
    await append(-2, -1);
    await using scene = await openScene(embeddedPeers, {
      receiver: false,
      home: {
        settings: {
          "enable.data.publisher": "true",
          "monitoring.server.ip": "127.0.0.1",
          "monitoring.server.secure.port": String(server.port),
          "monitoring.server.admin.username": username,
          "monitoring.server.admin.password": password,
          "thrift.tls.ca.file": caFile,
          // The agent's own log, too: below its home.
          "log.file.paths": `${appLog}|logs/agent.log`,
        },
      },
    });
    const { platform, home } = scene;
    const ofApp = () =>
      events.map(({ payload }) => String(payload.message))
        .filter((message) => message.startsWith("app ")).map((message) => Number(message.slice(4)));
    const untilApp = async (count: number) => {
      const limitMs = performance.now() + patience.timeoutMs;
      while (ofApp().length < count && performance.now() < limitMs) await pause(20);
    };
    const positions = join(home.stateDir, "log-positions.jsonl");
    /** A crash before the answer is kept sends what was sent last once more. */
    const untilKept = async () => {
      const path = RegExp.escape(JSON.stringify(appLog));
      const { size } = await Deno.stat(appLog);
      const isAtEnd = new RegExp(`"path":${path},[^}]*"offset":${size},`);
      await untilFile(positions, (text) => isAtEnd.test(text));
    };
    const startOptions = flags ? { flags } : {};

    const first = await scene.start(startOptions);
    await platform.until("CompleteTopologyRequestEvent", patience);
    assert.equal(server.counts.connections, 0);
    await assert.rejects(Deno.stat(positions), Deno.errors.NotFound);
    await platform.initializeMember();
    await platform.until("InstanceStartedEvent", patience);
    await untilFile(positions, (text) => text.includes(appLog));
    await append(0, 1, 2);
    await untilApp(3);
    assert.deepEqual(ofApp(), [0, 1, 2]);
    const line = events.find(({ payload }) => payload.message === "app 0")!;
    assert.match(
      line.streamId,
      new RegExp(`^logs\\.0\\.${sandboxMember.clusterId}\\.\\d{4}\\.\\d\\d\\.\\d\\d:1\\.0\\.0$`),
    );
    assert.equal(line.meta.memberId, sandboxMember.memberId);
    const { logTime, ...rest } = line.payload;
    assert.ok(Math.abs(Date.parse(String(logTime)) - Number(line.timestampMs)) < 1);
    assert.deepEqual(rest, {
      tenantID: "0",
      serverName: sandboxMember.clusterId,
      appName: "",
      priority: "",
      message: "app 0",
      logger: "",
      ip: "",
      instance: sandboxMember.memberId,
      stacktrace: "",
    });

    // Bundles go out again and again, and none makes a line in the agent's own log that is one more.
    await platform.until("InstanceActivatedEvent", patience);
    await pause(1_500);
    const [eventsBefore, bundlesBefore] = [events.length, server.counts.bundles];
    for (const number of [3, 4, 5, 6]) {
      await append(number);
      await untilApp(number + 1);
    }
    await pause(1_500);
    assert.ok(server.counts.bundles - bundlesBefore >= 4);
    const own = events.slice(eventsBefore).map(({ payload }) => String(payload.message))
      .filter((message) => !message.startsWith("app "));
    assert.deepEqual(own.filter((message) => /\.cep\b|log lines/.test(message)), []);
    assert.ok(own.length < 4, own.join("\n"));
    assert.ok(
      events.some(({ payload }) => String(payload.message).includes("publishing the lines")),
    );

    assert.equal(await first.end(), 0, first.output());
    await append(7, 8);
    const second = await scene.start(startOptions);
    await untilApp(9);
    await append(9);
    await untilApp(10);
    assert.deepEqual(ofApp(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

    await untilKept();
    await second.kill();
    await append(10);
    const third = await scene.start(startOptions);
    await untilApp(11);
    assert.equal(await third.end(), 0, third.output());
    assert.deepEqual(ofApp(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const log = await Deno.readTextFile(join(home.logDir, "agent.log"));
    assert.equal(/Sealed: gave up/.test(log), flags !== undefined);
    assert.ok(!log.includes(password));
    assert.ok(events.every(({ payload }) => !String(payload.message).includes(password)));
  });
}
