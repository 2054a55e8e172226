import assert from "node:assert/strict";
import { problemText } from "../../src/config/reader.ts";
import { resolve } from "../../src/config/resolve.ts";
import { resolved, type SampleSources, sampleSources } from "./sample_sources.ts";

const repository = { REPO_URL: "https://h/r.git", CARTRIDGE_KEY: "0123456789abcdef" };

function problemsAt(path: string, sample: SampleSources = { launch: repository }) {
  const launch = { ...sample.launch, APPLICATION_PATH: path };
  const { problems, config } = resolved({ ...sample, launch });
  assert.equal(config === undefined, problems.length > 0);
  return problems.map(problemText);
}

const protectedPaths = [
  "/",
  "//",
  "/home",
  "/home/agent",
  "/home/agent/",
  "/home/agent/../agent",
  "/home/agent/application/..",
  "/home/agent/extensions",
  "/home/agent/extensions/bash",
  "/home/agent/conf",
  "/home/agent/payload/x",
  "/home/agent/state",
  "/home/agent/logs",
  "/home/agent/agent.conf",
  "/home/agent/terminator.txt",
  "/etc",
  "/etc/cron.d",
  "/usr",
  "/usr/bin",
  "/usr/local",
  "/usr/local/sbin/x",
  "/usr/lib",
  "/bin",
  "/sbin/x",
  "/lib",
  "/lib64/security",
  "/boot",
  "/dev/shm",
  "/proc/1",
  "/sys",
  "/run",
  "/var",
  "/var/lib",
  "/opt",
  "/tmp",
];
const fitPaths = [
  "/home/agent/application",
  "/home/agent/conf.d",
  "/home/agent/statements/x",
  "/home/other",
  "/root",
  "/srv/www",
  "/var/www",
  "/var/www/html/",
  "/var/lib/tomcat/webapps",
  "/usr/local/apache2/htdocs",
  "/usr/local/tomcat",
  "/usr/share/nginx/html",
  "/opt/wso2as-5.2.1",
  "/srv",
  "/library",
  "/etcetera",
  "/tmp/x",
];

for (const path of protectedPaths) {
  Deno.test(`application path: is a problem when a repository would go to ${path}`, () => {
    const [problem, ...others] = problemsAt(path);
    const start = `APPLICATION_PATH: "${path}" (/home/agent/payload/launch-params (`;
    assert.ok(problem?.startsWith(start), problem ?? "no problem");
    assert.deepEqual(others, []);
  });
}

for (const path of fitPaths) {
  Deno.test(`application path: is accepted when it is ${path}`, () => {
    assert.deepEqual(problemsAt(path), []);
  });
}

Deno.test("application path: the problem names what a repository could replace", () => {
  const reasonAt = (path: string) => problemsAt(path)[0]?.split(") ").at(-1)?.split(";")[0];
  assert.equal(
    reasonAt("/home/agent"),
    "holds /home/agent/extensions, which a repository must not replace",
  );
  assert.equal(
    reasonAt("/home/agent/state/x"),
    "is inside /home/agent/state, which a repository must not replace",
  );
  assert.equal(reasonAt("/etc/x"), "is inside /etc, which a repository must not replace");
  assert.equal(reasonAt("/var"), "is /var, which a repository must not replace");
});

Deno.test("application path: is anything when there is no repository", () => {
  assert.deepEqual(problemsAt("/etc", {}), []);
  assert.deepEqual(problemsAt("/home/agent", {}), []);
});

Deno.test("application path: is judged when hosts are allowed without REPO_URL", () => {
  const conf = "artifact.allowed.hosts = git.example.org";
  assert.equal(problemsAt("/home/agent", { conf }).length, 1);
  assert.equal(problemsAt("/home/agent", { conf, launch: { MULTITENANT: "true" } }).length, 1);
});

Deno.test("application path: is judged against the directories as configured", () => {
  const conf = "state.dir = /srv/state\nlog.dir = /srv/agent/log";
  const sample = { conf, launch: repository };
  assert.equal(problemsAt("/srv", sample).length, 1);
  assert.equal(problemsAt("/srv/agent", sample).length, 1);
  assert.equal(problemsAt("/srv/state/x", sample).length, 1);
  assert.deepEqual(problemsAt("/home/agent/state", sample), []);
  assert.deepEqual(problemsAt("/srv/www", sample), []);
});

Deno.test("application path: must not touch the program", () => {
  const problemsOf = (path: string) => {
    const launch = { "mb.urls": "mb:1", ...repository, APPLICATION_PATH: path };
    const program = ["/srv/program/src", "/srv/program/main.ts"];
    return resolve(sampleSources({ launch }), "/home/agent/logs", program).problems.length;
  };
  assert.equal(problemsOf("/srv/program"), 1);
  assert.equal(problemsOf("/srv/program/src/agent"), 1);
  assert.equal(problemsOf("/srv/program/main.ts"), 1);
  assert.equal(problemsOf("/srv/program/www"), 0);
});
