import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { AgentError } from "../../src/base/errors.ts";
import type { CheckoutJob } from "../../src/artifacts/git_job.ts";
import type { ArtifactPort } from "../../src/lifecycle/ports.ts";
import { FakeClock } from "../fake_clock.ts";
import { peerTest } from "../system_peers.ts";
import { canarySpellings, filesHolding, Playground, repository } from "./playground.ts";
import { done, encrypted, openSync, SilentServer, sourceFor } from "./sync_playground.ts";

const never = new AbortController().signal;

peerTest(
  "ArtifactSync: checks out with the event's credentials, in a worker",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "index.html": "hello", "a/b": "c" });
    const { sync, log } = openSync(playground);
    await using port: ArtifactPort & AsyncDisposable = sync;
    const outcome = await port.checkOut(sourceFor(playground), never);
    assert.deepEqual(outcome, { kind: "checkedOut", files: 2, commit });
    assert.deepEqual(playground.files(), { "a/b": "c", "index.html": "hello" });
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
    assert.match(log.text(), /^info artifacts Checked out commit \w{40} of http:\S+: 2 files in/m);
    assert.equal((Deno.lstatSync(join(playground.stateDir, "git")).mode ?? 0) & 0o777, 0o700);
  },
);

peerTest("ArtifactSync: shows the password nowhere, whatever happens", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const { sync, log, redactor } = openSync(playground, { cloneRetries: 1 });
  await using _ = sync;
  const url = new URL(playground.remote.url(repository));
  url.username = "someone";
  url.password = canarySpellings[0] ?? "";
  const outcomes = [
    await sync.checkOut(sourceFor(playground), never),
    await sync.checkOut(sourceFor(playground, { repoUrl: url.href, repoPassword: "" }), never),
    await sync.checkOut(sourceFor(playground, { repoUrl: `ssh://${url.href.slice(7)}` }), never),
    await sync.checkOut(sourceFor(playground, { repoUrl: `${url.href}?q` }), never),
    await sync.checkOut(sourceFor(playground, { repoUrl: url.href.replace("site", "no") }), never),
    await sync.checkOut(sourceFor(playground), never),
  ];
  assert.deepEqual(outcomes.map(({ kind }) => kind), [
    "checkedOut",
    "failed",
    "failed",
    "failed",
    "failed",
    "checkedOut",
  ]);
  const shown = JSON.stringify([outcomes, log.records]) + Deno.inspect([outcomes, sync, log]);
  for (const spelling of canarySpellings) assert(!shown.includes(spelling), shown);
  assert.deepEqual(filesHolding(playground.root, canarySpellings), []);
  assert.equal(redactor.redact(`x ${canarySpellings[0]} y`), "x *** y");
});

peerTest("ArtifactSync: refuses bad sources without asking anybody", ["git"], async () => {
  await using playground = await Playground.open();
  const cases: [
    Parameters<typeof openSync>[1],
    Parameters<typeof sourceFor>[1],
    boolean,
    RegExp,
  ][] = [
    [{ applicationPath: "www" }, {}, true, /Repository path cannot be accessed, or is invalid/],
    [{}, { tenantId: NaN }, true, /not an integer/],
    [{ allowedHosts: [] }, {}, true, /127.0.0.1:\d+ is not allowed; allowed: none is/],
    [{ allowedHosts: ["git.example"] }, {}, true, /allowed: git.example/],
    [{}, { repoUrl: "git@127.0.0.1:a.git" }, true, /only http and https/],
    [{}, { repoUrl: "file:///etc" }, true, /only http and https/],
    [{}, { repoPassword: "AAAA" }, false, /Cannot decrypt "repoPassword"/],
  ];
  for (const [config, source, refused, reason] of cases) {
    const { sync, log } = openSync(playground, config);
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground, source), never);
    assert(outcome.kind === "failed");
    assert.equal(outcome.refused, refused);
    assert.match(outcome.reason, reason);
    assert.match(log.text(), /^error artifacts The artifacts of tenant \S+ are not checked out/);
  }
  assert.equal(playground.remote.requests, 0);
  assert.deepEqual(playground.surroundings(), ["app"]);
});

peerTest("ArtifactSync: puts each tenant into a directory of its own", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const { sync } = openSync(playground, { multiTenant: true });
  await using _ = sync;
  const tenants = [-1234, 5, 6];
  const outcomes = await Promise.all(
    tenants.map((tenantId) => sync.checkOut(sourceFor(playground, { tenantId }), never)),
  );
  assert.deepEqual(outcomes.map(({ kind }) => kind), tenants.map(() => "checkedOut"));
  assert.deepEqual(Object.keys(playground.files()), [
    "repository/deployment/server/a",
    "repository/tenants/5/a",
    "repository/tenants/6/a",
  ]);
  assert.deepEqual(playground.surroundings(), ["app", "state"]);
});

peerTest("ArtifactSync: has one job at a time when there is one directory", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const { sync } = openSync(playground);
  await using _ = sync;
  const outcomes = await Promise.all(
    [1, 7].map((tenantId) => sync.checkOut(sourceFor(playground, { tenantId }), never)),
  );
  assert.deepEqual(outcomes.map(({ kind }) => kind), ["checkedOut", "checkedOut"]);
  assert.deepEqual([...Deno.readDirSync(join(playground.stateDir, "git"))].map((e) => e.name), [
    "1",
  ]);
});

peerTest("ArtifactSync: makes an APPLICATION_PATH that is missing, and takes one that is a link", [
  "git",
], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a/b": "1", "c": "2" });
  for (const [name, isLink] of [["missing/app", false], ["link", true]] as const) {
    const applicationPath = join(playground.root, name);
    if (isLink) await Deno.symlink(playground.app, applicationPath);
    const stateDir = join(playground.root, `state of ${isLink}`);
    const { sync } = openSync(playground, { applicationPath }, { stateDir });
    await using _ = sync;
    assert.equal((await sync.checkOut(sourceFor(playground), never)).kind, "checkedOut");
    assert.deepEqual(playground.files(`${applicationPath}/`), { "a/b": "1", "c": "2" });
  }
});

peerTest("ArtifactSync: makes no directory through a link", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const outside = join(playground.root, "outside");
  await Deno.mkdir(outside);
  await Deno.symlink(outside, join(playground.app, "repository"));
  const { sync } = openSync(playground, { multiTenant: true });
  await using _ = sync;
  const outcome = await sync.checkOut(sourceFor(playground, { tenantId: 5 }), never);
  assert(outcome.kind === "failed" && /is a link or a file/.test(outcome.reason));
  assert.deepEqual([...Deno.readDirSync(outside)], []);
});

peerTest("ArtifactSync: cancels at once when the signal fires", ["git"], async () => {
  await using playground = await Playground.open();
  await using silent = new SilentServer();
  const { sync, log } = openSync(playground, {
    allowedHosts: [playground.remote.address, silent.address],
  });
  await using _ = sync;
  const abort = new AbortController();
  const source = sourceFor(playground, { repoUrl: silent.url });
  const outcome = sync.checkOut(source, abort.signal);
  await silent.arrived.promise;
  abort.abort();
  assert.deepEqual(await outcome, { kind: "cancelled" });
  assert.deepEqual(await sync.checkOut(source, abort.signal), { kind: "cancelled" });
  assert.equal(log.text(), "");
});

peerTest("ArtifactSync: lets the latest source of a tenant win", ["git"], async () => {
  await using playground = await Playground.open();
  await using silent = new SilentServer();
  await playground.commit({ "a": "1" });
  const { sync } = openSync(playground, {
    allowedHosts: [playground.remote.address, silent.address],
  });
  await using _ = sync;
  const first = sync.checkOut(sourceFor(playground, { repoUrl: silent.url }), never);
  await silent.arrived.promise;
  const second = sync.checkOut(sourceFor(playground, { repoUrl: silent.url }), never);
  const third = sync.checkOut(sourceFor(playground), never);
  assert.deepEqual([await first, await second], [{ kind: "cancelled" }, { kind: "cancelled" }]);
  assert.equal((await third).kind, "checkedOut");
});

peerTest(
  "ArtifactSync: ends a job that takes longer than artifact.limit.seconds",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await using silent = new SilentServer();
    const limits = { bytes: 1e6, files: 10, timeoutMs: 300 };
    const { sync } = openSync(playground, {
      allowedHosts: [playground.remote.address, silent.address],
      limits,
      cloneRetries: 1,
    });
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground, { repoUrl: silent.url }), never);
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, /longer than 0.3 s \(artifact.limit.seconds\)/);
  },
);

const unavailable = () => new AgentError("down", { kind: "unavailable", retryable: true });

peerTest("ArtifactSync: tries as often as configured, so far apart", ["git"], async () => {
  await using playground = await Playground.open();
  const clock = new FakeClock();
  const times: number[] = [];
  const failures = [unavailable(), unavailable()];
  const runJob = () => {
    times.push(clock.monotonicMs());
    const failure = failures.shift();
    return failure ? Promise.reject(failure) : Promise.resolve(done);
  };
  const { sync, log } = openSync(playground, {}, { clock, runJob });
  await using _ = sync;
  const outcome = sync.checkOut(sourceFor(playground), never);
  for (let pause = 0; pause < 2; pause++) {
    await clock.untilSleeping();
    await clock.advance(10_000);
  }
  assert.deepEqual(await outcome, { kind: "checkedOut", files: 3, commit: done.commit });
  assert.deepEqual(times, [0, 10_000, 20_000]);
  assert.match(log.text(), /Attempt 1 of 5 failed: down\n.*Attempt 2 of 5 failed: down/);
});

peerTest(
  "ArtifactSync: fails after all attempts, and at once when none can help",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const cases: [AgentError, number][] = [
      [unavailable(), 3],
      [new AgentError("too much", { kind: "limit" }), 1],
    ];
    for (const [failure, expected] of cases) {
      let jobs = 0;
      const runJob = () => {
        jobs++;
        return Promise.reject(failure);
      };
      const config = { cloneRetries: 3, cloneRetryIntervalMs: 1 };
      const { sync, log } = openSync(playground, config, { runJob });
      await using _ = sync;
      const outcome = await sync.checkOut(sourceFor(playground), never);
      assert.deepEqual(outcome, { kind: "failed", reason: failure.message, refused: false });
      assert.equal(jobs, expected);
      assert.match(log.text(), new RegExp(`error .*failed after ${expected} of 3 attempts`));
    }
  },
);

peerTest("ArtifactSync: hands a job what the configuration says", ["git"], async () => {
  await using playground = await Playground.open();
  const caFile = join(playground.root, "ca.pem");
  await Deno.writeTextFile(caFile, "PEM");
  const jobs: CheckoutJob[] = [];
  const runJob = (job: CheckoutJob) => {
    jobs.push(job);
    return Promise.resolve(done);
  };
  const config = { branch: "release", caFile, backupInitial: true, autoCommit: true };
  const { sync } = openSync(playground, config, { runJob });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  const expected = playground.job({
    branch: "release",
    caCertificates: "PEM",
    backup: `${playground.app}_backup`,
    stagingDirectories: [join(playground.root, "app.agent", "1")],
    idleTimeoutMs: 60_000,
    localChanges: "keep",
  });
  assert.deepEqual(jobs, [expected]);
});

peerTest("ArtifactSync: forgets a password that is not used any more", ["git"], async () => {
  await using playground = await Playground.open();
  const { sync, redactor } = openSync(playground, {}, { runJob: () => Promise.resolve(done) });
  const hidden = (text: string) => redactor.redact(text) === "***";
  await sync.checkOut(sourceFor(playground, { repoPassword: encrypted("first one") }), never);
  assert(hidden("first one"));
  await sync.checkOut(sourceFor(playground, { repoPassword: encrypted("second one") }), never);
  assert(!hidden("first one") && hidden("second one"));
  await sync[Symbol.asyncDispose]();
  assert(!hidden("second one"));
});

peerTest("ArtifactSync: ends everything when it is disposed of, also twice", ["git"], async () => {
  await using playground = await Playground.open();
  await using silent = new SilentServer();
  const { sync } = openSync(playground, {
    allowedHosts: [playground.remote.address, silent.address],
  }, { clock: systemClock });
  const outcome = sync.checkOut(sourceFor(playground, { repoUrl: silent.url }), never);
  sync.startUpdates(1, () => Promise.resolve());
  await silent.arrived.promise;
  await sync[Symbol.asyncDispose]();
  await sync[Symbol.asyncDispose]();
  assert.deepEqual(await outcome, { kind: "cancelled" });
  assert.deepEqual(await sync.checkOut(sourceFor(playground), never), { kind: "cancelled" });
});

peerTest(
  "ArtifactSync: removes what an agent that crashed left beside the files",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    for (const left of ["app.agent/1/tree", "app.agent/-1234", "app.agent/probe12ab"]) {
      await Deno.mkdir(join(playground.root, left), { recursive: true });
    }
    const { sync } = openSync(playground);
    await using _ = sync;
    await sync.checkOut(sourceFor(playground), never);
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
  },
);

peerTest(
  "ArtifactSync: leaves a directory alone that only has the name of its own",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    const agent = join(playground.root, "app.agent");
    await Deno.mkdir(join(playground.root, "elsewhere"));
    await Deno.symlink(join(playground.root, "elsewhere"), agent);
    const { sync } = openSync(playground);
    await using _ = sync;
    assert.equal((await sync.checkOut(sourceFor(playground), never)).kind, "checkedOut");
    await Deno.remove(agent);
    await Deno.mkdir(agent);
    await Deno.writeTextFile(join(agent, "notes"), "mine");
    await playground.commit({ "a": "2" });
    assert.equal((await sync.checkOut(sourceFor(playground), never)).kind, "checkedOut");
    assert.deepEqual(playground.files(), { "a": "2" });
    assert.deepEqual(playground.files(agent), { "notes": "mine" });
  },
);
