import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { type RuntimeScope, runtimeScope } from "../../src/scope/runtime_scope.ts";
import { type Changes, exampleConfig } from "./example_config.ts";

const nothing = { environmentNames: [], filesLookedFor: [] };
const smallest = runtimeScope(exampleConfig(), nothing);

/** What a change of the configuration adds to the smallest scope. */
function added(changes: Changes): Partial<RuntimeScope> {
  const scope = runtimeScope(exampleConfig(changes), nothing);
  const differences: Record<string, string[]> = {};
  for (const kind of ["net", "read", "write", "run", "sys", "env"] as const) {
    assert.deepEqual(smallest[kind].filter((value) => !scope[kind].includes(value)), []);
    const more = scope[kind].filter((value) => !smallest[kind].includes(value));
    if (more.length > 0) differences[kind] = more;
  }
  return differences;
}

Deno.test("scope: is the broker, the home's files and the launcher when nothing is switched on", () => {
  assert.deepEqual(smallest, {
    net: ["broker.example.com:1883"],
    read: [
      "/agent/extensions",
      "/agent/logs",
      "/agent/plugins",
      "/agent/state",
      "/agent/terminator.txt",
    ],
    write: ["/agent/logs", "/agent/state"],
    run: ["/agent/extensions/launcher"],
    sys: [],
    env: [],
  });
});

const documents = { applicationPath: "/srv/docs/" };
const documentPaths = ["/srv/docs", "/srv/docs.agent"];
const cases: readonly {
  readonly title: string;
  readonly changes: Changes;
  readonly adds: Partial<RuntimeScope>;
}[] = [
  {
    title: "every broker, IPv6 in brackets, names in lower case",
    changes: {
      broker: {
        urls: [{ host: "broker.example.com", port: 1883 }, { host: "::1", port: 1884 }, {
          host: "LocalHost",
          port: 1885,
        }],
      },
    },
    adds: { net: ["[::1]:1884", "localhost:1885"] },
  },
  {
    title: "the broker's TLS files",
    changes: { broker: { tls: { caFile: "/tls/ca", certFile: "/tls/crt", keyFile: "/tls/key" } } },
    adds: { read: ["/tls/ca", "/tls/crt", "/tls/key"] },
  },
  {
    title: "every receiver of every group and the host's figures when health is published",
    changes: {
      health: { enabled: true },
      cep: {
        groups: [
          { mode: "failover", receivers: [{ host: "a", port: 1 }, { host: "b", port: 2 }] },
          { mode: "loadBalance", receivers: [{ host: "fe80::2", port: 3 }] },
        ],
        tls: { caFile: "/tls/cep", verify: true, verifyName: true },
      },
    },
    adds: {
      net: ["[fe80::2]:3", "a:1", "b:2"],
      read: ["/tls/cep"],
      sys: ["loadavg", "systemMemoryInfo"],
    },
  },
  {
    title: "no receiver and no CA of receivers when health is off",
    changes: { cep: { tls: { caFile: "/tls/cep", verify: true, verifyName: true } } },
    adds: {},
  },
  {
    title: "the monitoring server and the directories of the files when log lines are published",
    changes: {
      logPublisher: {
        enabled: true,
        paths: ["/var/log/app.log", "relative.log"],
        tls: { caFile: "/tls/monitoring", verify: true, verifyName: true },
      },
    },
    adds: {
      net: ["monitoring.example.com:7711"],
      read: ["/tls/monitoring", "/var/log"],
    },
  },
  {
    title: "what stands before the first wildcard of a pattern of log files",
    changes: {
      logPublisher: { enabled: true, paths: ["/srv/*/logs/[a-c]?.log", "/srv/x/y.log", "/opt/l*"] },
    },
    adds: { net: ["monitoring.example.com:7711"], read: ["/opt", "/srv"] },
  },
  {
    title: "the metadata service and its CA when there is one",
    changes: {
      metadata: {
        url: "https://Mds.example.com/base",
        tls: { caFile: "/tls/mds", verify: true, verifyName: true },
      },
    },
    adds: { net: ["mds.example.com:443"], read: ["/tls/mds"] },
  },
  {
    title: "the metadata service at its own port, IPv6 in brackets",
    changes: { metadata: { url: "http://[::1]:9763" } },
    adds: { net: ["[::1]:9763"] },
  },
  {
    title: "no CA of a metadata service that there is not",
    changes: { metadata: { tls: { caFile: "/tls/mds", verify: true, verifyName: true } } },
    adds: {},
  },
  {
    title: "the address of the status endpoint and its token when it is on",
    changes: { status: { listen: { host: "::1", port: 9463 }, tokenFile: "/agent/token" } },
    adds: { net: ["[::1]:9463"], read: ["/agent/token"] },
  },
  {
    title: "any free port for a status endpoint that asks for one",
    changes: { status: { listen: { host: "127.0.0.1", port: 0 } } },
    adds: { net: ["127.0.0.1:0"] },
  },
  {
    title: "each probed port at the listen address",
    changes: { lifecycle: { ports: [8080, 80, 8080], listenAddress: "127.0.0.1" } },
    adds: { net: ["127.0.0.1:80", "127.0.0.1:8080"] },
  },
  {
    title: "documents, staging and the https port of a repository host without a port",
    changes: {
      artifacts: { ...documents, allowedHosts: ["git.example.com"], caFile: "/tls/git" },
    },
    adds: {
      net: ["git.example.com:443"],
      read: [...documentPaths, "/tls/git"],
      write: documentPaths,
    },
  },
  {
    title: "no repository host with artifact.engine=git: git, started by the launcher, goes there",
    changes: {
      artifacts: {
        ...documents,
        engine: "git",
        allowedHosts: ["git.example.com", "h:22"],
        repoUrl: "ssh://git.example.com/",
        caFile: "/tls/git",
        sshKeyFile: "/keys/id",
        sshKnownHostsFile: "/keys/hosts",
      },
    },
    adds: { read: [...documentPaths, "/tls/git"], write: documentPaths },
  },
  {
    title: "the backup when one is to be made",
    changes: { artifacts: { ...documents, allowedHosts: ["h:1"], backupInitial: true } },
    adds: {
      net: ["h:1"],
      read: [...documentPaths, "/srv/docs_backup"],
      write: [...documentPaths, "/srv/docs_backup"],
    },
  },
  {
    title: "wildcards, ports and IPv6 of repository hosts",
    changes: {
      artifacts: { ...documents, allowedHosts: ["*.corp", "*.x.org:3000", "[::1]:8443", "h:1"] },
    },
    adds: {
      net: ["*.corp:443", "*.x.org:3000", "[::1]:8443", "h:1"],
      read: documentPaths,
      write: documentPaths,
    },
  },
  {
    title: "the port of the announced repository on its own host alone",
    changes: {
      artifacts: {
        ...documents,
        allowedHosts: ["Git.example.com", "[::1]", "other.org"],
        repoUrl: "https://git.example.com:8443/x.git",
      },
    },
    adds: {
      net: ["[::1]:443", "git.example.com:443", "git.example.com:8443", "other.org:443"],
      read: documentPaths,
      write: documentPaths,
    },
  },
  {
    title: "an IPv6 repository at its own port, and a name with a dot at its end",
    changes: {
      artifacts: {
        ...documents,
        allowedHosts: ["[::1]", "Abs.org.:1"],
        repoUrl: "http://[::1]:3000/x",
      },
    },
    adds: {
      net: ["[::1]:3000", "[::1]:443", "abs.org:1"],
      read: documentPaths,
      write: documentPaths,
    },
  },
  {
    title: "the http port on the host of an announced http repository alone",
    changes: {
      artifacts: {
        ...documents,
        allowedHosts: ["git.example.com.", "other.org"],
        repoUrl: "http://git.example.com/x.git",
      },
    },
    adds: {
      net: ["git.example.com:443", "git.example.com:80", "other.org:443"],
      read: documentPaths,
      write: documentPaths,
    },
  },
  {
    title: "the http port where an entry names it",
    changes: { artifacts: { ...documents, allowedHosts: ["*.corp:80", "h:80"] } },
    adds: { net: ["*.corp:80", "h:80"], read: documentPaths, write: documentPaths },
  },
  {
    title: "the announced repository's port on its host alone when a wildcard covers it",
    changes: {
      artifacts: {
        ...documents,
        allowedHosts: ["*.corp", "*.git.corp", "*.other.org"],
        repoUrl: "https://git.corp:8443/x.git",
      },
    },
    adds: {
      net: ["*.corp:443", "*.git.corp:443", "*.other.org:443", "git.corp:8443"],
      read: documentPaths,
      write: documentPaths,
    },
  },
  {
    title: "nothing but the named port when the announced repository's host has one in its entry",
    changes: {
      artifacts: { ...documents, allowedHosts: ["h:3000"], repoUrl: "http://h/x.git" },
    },
    adds: { net: ["h:3000"], read: documentPaths, write: documentPaths },
  },
  {
    title: "nothing of an announced repository whose host is not allowed",
    changes: {
      artifacts: {
        ...documents,
        allowedHosts: ["other.org", "*.corp"],
        repoUrl: "https://git.example.com:8443/x.git",
      },
    },
    adds: {
      net: ["*.corp:443", "other.org:443"],
      read: documentPaths,
      write: documentPaths,
    },
  },
  {
    title: "nothing for artifacts when no host is allowed",
    changes: { artifacts: { ...documents, caFile: "/tls/git" } },
    adds: {},
  },
  {
    title: "nothing for artifacts when the application path is missing or not absolute",
    changes: { artifacts: { applicationPath: "docs", allowedHosts: ["git.example.com"] } },
    adds: {},
  },
  {
    title: "directories outside the home",
    changes: {
      paths: { agentConf: "/etc/agent.conf", launchParams: "/run/payload" },
      logging: { file: "/etc/logging.ini" },
    },
    adds: { read: ["/etc/agent.conf", "/etc/logging.ini", "/run/payload"] },
  },
];

for (const { title, changes, adds } of cases) {
  Deno.test(`scope: adds ${title}`, () => assert.deepEqual(added(changes), adds));
}

Deno.test("scope: names the environment, looked-for files and worker modules it is told of", () => {
  const options = {
    environmentNames: ["MB_URLS", "LOG_LEVEL", "MB_URLS"],
    filesLookedFor: ["/agent/agent.conf", "/run/secrets/mb"],
    programDir: "/opt/program",
  };
  const idle = runtimeScope(exampleConfig(), options);
  assert.deepEqual(idle.env, ["LOG_LEVEL", "MB_URLS"]);
  assert.ok(options.filesLookedFor.every((path) => idle.read.includes(path)));
  assert.ok(!idle.read.includes("/opt/program"));
  const artifacts = { ...documents, allowedHosts: ["git.example.com"] };
  const fetching = runtimeScope(exampleConfig({ artifacts }), options);
  assert.ok(fetching.read.includes("/opt/program"));
  assert.ok(!fetching.write.includes("/opt/program"));
});

Deno.test("scope: leaves out a path inside another, but not one that only starts alike", () => {
  const { write } = runtimeScope(
    exampleConfig({ paths: { stateDir: "/agent/logs/state", logDir: "/agent/logs" } }),
    nothing,
  );
  assert.deepEqual(write, ["/agent/logs"]);
  const alike = runtimeScope(
    exampleConfig({ paths: { stateDir: "/agent/logs2", logDir: "/agent/logs" } }),
    nothing,
  );
  assert.deepEqual(alike.write, ["/agent/logs", "/agent/logs2"]);
});

const refusals: readonly [string, Changes][] = [
  ["log files below the root", { logPublisher: { enabled: true, paths: ["/app.log"] } }],
  ["a pattern from the root", { logPublisher: { enabled: true, paths: ["/*/app.log"] } }],
  ["the whole file system as application path", {
    artifacts: { applicationPath: "//", allowedHosts: ["git.example.com"] },
  }],
  ["a network instead of a host", { broker: { urls: [{ host: "10.0.0.0/8", port: 1883 }] } }],
  ["a wildcard broker", { broker: { urls: [{ host: "*.example.com", port: 1883 }] } }],
  ["a socket of the file system as broker", {
    broker: { urls: [{ host: "unix:/run/broker", port: 1883 }] },
  }],
  ["a socket of the file system as repository host", {
    artifacts: { ...documents, allowedHosts: ["unix:/run/git"] },
  }],
  ["two hosts in one", { broker: { urls: [{ host: "a,b", port: 1883 }] } }],
  ["an empty host", { broker: { urls: [{ host: "", port: 1883 }] } }],
  ["an empty part of a host", { broker: { urls: [{ host: "a..b", port: 1883 }] } }],
  ["an address with a zone", { broker: { urls: [{ host: "fe80::1%eth0", port: 1883 }] } }],
  ["no port", { broker: { urls: [{ host: "a", port: 0 }] } }],
  ["a bare star as repository host", { artifacts: { ...documents, allowedHosts: ["*"] } }],
  ["a star over everything", { artifacts: { ...documents, allowedHosts: ["*."] } }],
  ["two stars", { artifacts: { ...documents, allowedHosts: ["*.*.org"] } }],
  ["a URL as repository host", { artifacts: { ...documents, allowedHosts: ["https://h/x"] } }],
  ["a repository port out of range", { artifacts: { ...documents, allowedHosts: ["h:70000"] } }],
];
for (const [title, changes] of refusals) {
  Deno.test(`scope: is a configuration error when it meets ${title}`, () => {
    assert.throws(
      () => runtimeScope(exampleConfig(changes), nothing),
      (error) => error instanceof AgentError && error.kind === "configuration",
    );
  });
}
