import assert from "node:assert/strict";
import { problemsOf, resolved, type SampleSources, sampleSources } from "./sample_sources.ts";
import { resolve } from "../../src/config/resolve.ts";
import { allFields, namesOf } from "../../src/config/fields.ts";
import { identity } from "./sample_sources.ts";

const places = (environment: string) =>
  `looked in: command line; ${environment}/home/agent/agent.conf; ` +
  "/home/agent/payload/launch-params";

Deno.test("problems: each identity key that is missing is one", () => {
  for (const key of Object.keys(identity)) {
    for (const absent of [undefined, "null", ""]) {
      const [problem, ...others] = problemsOf({ launch: { [key]: absent } });
      assert.deepEqual(others, []);
      const start = `${key}: not set; ${places(`environment ${key}; `)}; accepted: `;
      assert.ok(problem?.startsWith(start), problem ?? "no problem");
    }
  }
});

const single: readonly (readonly [SampleSources, string])[] = [
  [
    { launch: { MULTITENANT: "perhaps" } },
    'MULTITENANT: "perhaps" (/home/agent/payload/launch-params (MULTITENANT)) is neither true nor ' +
    "false; accepted: true or false",
  ],
  [
    { env: { TENANT_ID: "carbon.super" } },
    'TENANT_ID: "carbon.super" (environment TENANT_ID) is not a whole number; accepted: a whole ' +
    "number from -2147483648 to 2147483647",
  ],
  [
    { conf: "\nport.check.timeout = 0" },
    'port.check.timeout: "0" (/home/agent/agent.conf, line 3) is too small; accepted: a whole number ' +
    "from 1 to 604800000",
  ],
  [
    { set: { "thrift.receiver.urls": "{a:1|b:2,c:3}" } },
    'thrift.receiver.urls: "{a:1|b:2,c:3}" (command line (thrift.receiver.urls)) mixes | and , in ' +
    "one group; accepted: host:port[,host:port…], groups as {host:port|host:port} or " +
    "{host:port,host:port}",
  ],
  [
    { launch: { REPO_URL: "https://u:p@git.example.org/r.git" } },
    `CARTRIDGE_KEY: not set, but REPO_URL is; ${
      places("environment CARTRIDGE_KEY, CARTRIDGE_KEY_FILE; ")
    }; accepted: a key of 16, 24 or 32 bytes`,
  ],
  [
    { launch: { CARTRIDGE_KEY: "tooshort" } },
    'CARTRIDGE_KEY: "***" (/home/agent/payload/launch-params (CARTRIDGE_KEY)) is 8 bytes long; ' +
    "accepted: a key of 16, 24 or 32 bytes",
  ],
  [
    { launch: { REPO_URL: "git@github.com:a/b.git", CARTRIDGE_KEY: "0123456789abcdef" } },
    'REPO_URL: "***" (/home/agent/payload/launch-params (REPO_URL)) is not a URL; accepted: an http ' +
    "or https URL",
  ],
  [
    { launch: { REPO_URL: "ssh://u:p@host/b.git", CARTRIDGE_KEY: "0123456789abcdef" } },
    'REPO_URL: "ssh://***@host/b.git" (/home/agent/payload/launch-params (REPO_URL)) is neither an ' +
    "http nor an https URL; accepted: an http or https URL",
  ],
  [
    { launch: { REPO_URL: "https://u:p@*.example.org/b.git", CARTRIDGE_KEY: "0123456789abcdef" } },
    'REPO_URL: "https://***@*.example.org/b.git" (/home/agent/payload/launch-params (REPO_URL)) has ' +
    "no valid host; accepted: an http or https URL",
  ],
  [
    { set: { "MB_PASSWORD": "hidden" } },
    'command line: "MB_PASSWORD" is a secret, and every user of the machine can read arguments; set ' +
    "MB_PASSWORD_FILE or mb.password in agent.conf",
  ],
  [
    { set: { TOKEN: "hidden" } },
    'command line: "TOKEN" is a secret, and every user of the machine can read arguments; set ' +
    "TOKEN in agent.conf",
  ],
  [
    { conf: "mb.ip = a b" },
    'mb.ip: "a b" (/home/agent/agent.conf, line 2) is neither a host name nor an IP address; ' +
    "accepted: a host name or IP address",
  ],
  [
    { conf: "mb.port = many" },
    'mb.port: "many" (/home/agent/agent.conf, line 2) is not a whole number; accepted: a whole ' +
    "number from 1 to 65535",
  ],
  [
    { conf: "mb.cert.file = client.pem" },
    `mb.key.file: not set, but mb.cert.file is; ${
      places("environment MB_KEY_FILE; ")
    }; accepted: a path, relative to the home or absolute`,
  ],
  [
    { conf: "mb.key.file = client.key" },
    `mb.cert.file: not set, but mb.key.file is; ${
      places("environment MB_CERT_FILE; ")
    }; accepted: a path, relative to the home or absolute`,
  ],
  [
    { set: { "mb.prot": "1883" } },
    'command line: unknown setting "mb.prot"; the closest known one is "mb.port"',
  ],
  [
    { conf: "mb.port 1883" },
    "/home/agent/agent.conf, line 2: neither a section nor key = value",
  ],
];

for (const [sample, expected] of single) {
  Deno.test(`problems: ${expected.split(";")[0]}`, () => {
    assert.deepEqual(problemsOf(sample), [expected]);
  });
}

Deno.test("problems: a broker is needed, in one form or the other", () => {
  const [none] = problemsOf({}, false);
  assert.ok(none?.startsWith("mb.urls: not set, and neither are mb.ip and mb.port; looked in: "));
  const [port] = problemsOf({ conf: "mb.ip = mb" }, false);
  assert.ok(port?.startsWith("mb.port: not set, but mb.ip is; looked in: "));
  const [ip] = problemsOf({ conf: "mb.port = 1883" }, false);
  assert.ok(ip?.startsWith("mb.ip: not set, but mb.port is; looked in: "));
  const [link] = problemsOf({ conf: "mb.ip = mb", env: { MB_PORT: "tcp://1.1.1.1:1" } }, false);
  assert.ok(link?.startsWith("mb.port: not set, but mb.ip is; looked in: "));
});

Deno.test("problems: all come out at once, each once", () => {
  const problems = problemsOf({
    set: { nonsense: "1" },
    env: { MB_PORT: "many", ENABLE_HEALTH_PUBLISHER: "yes", LISTEN_ADDR: "a b" },
    conf: [
      "no separator",
      "stats.notifier.interval = never",
      "artifact.publish = copy",
      "artifact.limit.bytes = 2GiB",
      "extension.required = StartServer",
      "extension.timeout.clean = -1",
      "status.listen = nowhere",
      "log.format = xml",
      "artifact.branch = ../up",
      "artifact.allowed.hosts = https://git",
    ].join("\n"),
    launch: {
      MEMBER_ID: undefined,
      MULTITENANT: "2",
      CARTRIDGE_KEY: "bad",
      PORTS: "80,443",
      LVS_VIRTUAL_IP: "x",
      PERSISTENCE_MAPPING: "/dev/vdb",
      METADATA_SERVICE_URL: "ftp://mds",
      LOG_FILE_PATHS: "|",
    },
  }, false);
  const keys = problems.map((problem) => problem.split(": ")[0]);
  assert.deepEqual(keys.toSorted(), [
    "/home/agent/agent.conf, line 2",
    "CARTRIDGE_KEY",
    "LVS_VIRTUAL_IP",
    "MEMBER_ID",
    "MULTITENANT",
    "PERSISTENCE_MAPPING",
    "PORTS",
    "artifact.allowed.hosts",
    "artifact.branch",
    "artifact.limit.bytes",
    "artifact.publish",
    "cep.stats.publisher.enabled",
    "command line",
    "extension.required",
    "extension.timeout.clean",
    "listen.address",
    "log.file.paths",
    "log.format",
    "mb.ip",
    "mb.port",
    "metadata.service.url",
    "stats.notifier.interval",
    "status.listen",
  ]);
  assert.ok(problems.every((problem) => !problem.includes("\n")));
});

Deno.test("problems: name the files that are not there", () => {
  const { agentConf: _, launchParams: __, ...sources } = sampleSources({});
  const [problem] = resolve(sources, "/logs").problems;
  assert.ok(
    problem?.lookedIn.endsWith(
      "agent.conf, conf/agent.conf (no such file); " +
        "payload/launch-params, payload/launch.params (no such file)",
    ),
    problem?.lookedIn ?? "no problem",
  );
});

Deno.test("unknown keys: are one warning each, with the closest known key", () => {
  const conf = "mb.prt = 1\nthrift.reciever.urls = x:1\nMB_IPP = y\nartifact.hosts = z";
  assert.deepEqual(resolved({ conf }).warnings.slice(0, 4), [
    '/home/agent/agent.conf, line 2: unknown key "mb.prt"; the closest known one is "mb.port"',
    '/home/agent/agent.conf, line 3: unknown key "thrift.reciever.urls"; the closest known one is ' +
    '"thrift.receiver.urls"',
    '/home/agent/agent.conf, line 4: unknown key "mb_ipp"; the closest known one is "MB_IP"',
    '/home/agent/agent.conf, line 5: unknown key "artifact.hosts"; the closest known one is ' +
    '"artifact.sparse"',
  ]);
});

Deno.test("unknown keys: a file full of them makes a bounded number of warnings, quickly", () => {
  const conf = Array.from({ length: 50_000 }, (_, i) => `unknown.key.number.${i} = 1`).join("\n");
  const started = performance.now();
  const { warnings } = resolved({ conf });
  assert.ok(performance.now() - started < 5000);
  assert.ok(warnings.length < 110);
  assert.ok(warnings.includes("49900 more of this kind"));
});

Deno.test("warnings: repeated keys, other sections and a missing section are named", () => {
  const repeated = resolved({ conf: "mb.username = a\nMB.USERNAME = b\n[other]\nx = 1" });
  assert.equal(repeated.config?.broker.username, "b");
  assert.ok(repeated.warnings.includes(
    '/home/agent/agent.conf, line 3: "mb.username" again, after line 2; the last one counts',
  ));
  assert.ok(repeated.warnings.includes("/home/agent/agent.conf: section [other] is not read"));
});

Deno.test("problems: a host in REPO_URL that is none, or more than one, is refused", () => {
  const problems = (host: string) => {
    const launch = { REPO_URL: `https://${host}/r.git`, CARTRIDGE_KEY: "0123456789abcdef" };
    return resolved({ launch }).problems.length;
  };
  for (const host of ["*", "*.org", "git.*.org", "a$b", "a~b", "a'b", "a..b", "-a", "a,b", "a;b"]) {
    assert.equal(problems(host), 1, host);
  }
  for (const host of ["git", "git.example.org.", "10.0.0.1", "[::1]", "a_b.c:3000", "bücher.de"]) {
    assert.equal(problems(host), 0, host);
  }
});

Deno.test("problems: every secret is refused on the command line, under each of its names", () => {
  for (const field of allFields.filter(({ secret }) => secret)) {
    for (const name of namesOf(field).flatMap((known) => [known, known.toLowerCase()])) {
      const { config, fileProblems } = resolved({ set: { [name]: "0123456789abcdef" } });
      assert.equal(config, undefined);
      assert.equal(fileProblems.length, 1, name);
      assert.ok(fileProblems[0]?.includes(field.fileVariable ?? "in agent.conf"));
      assert.ok(!fileProblems[0]?.includes("0123456789abcdef"));
    }
  }
});

Deno.test("warnings: name required extensions whose failure stops nothing", () => {
  const warningsOf = (required: string) =>
    resolved({ conf: `extension.required = ${required}` }).warnings
      .filter((line) => line.startsWith("extension.required"));
  const works = "InstanceStartedEvent,StartServers,VolumeMount,ArtifactUpdatedEvent," +
    "CreateLVSDummyInterface,clean";
  assert.deepEqual(warningsOf(works), []);
  assert.deepEqual(warningsOf("memberactivatedevent, clean, CopyArtifacts"), [
    "extension.required names MemberActivatedEvent, CopyArtifacts: no lifecycle step waits for " +
    "these, so their failure stops nothing",
  ]);
});
