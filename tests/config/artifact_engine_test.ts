import assert from "node:assert/strict";
import { problemText } from "../../src/config/reader.ts";
import { configOf, resolved } from "./sample_sources.ts";

const key = "0123456789abcdef";
const git = (launch: Record<string, string> = {}, env: Record<string, string> = {}) => ({
  launch: { CARTRIDGE_KEY: key, APPLICATION_PATH: "/srv/app", ...launch },
  env: { ARTIFACT_ENGINE: "git", ...env },
});

Deno.test("artifact.engine=git: takes its files, relative ones below the home", () => {
  const { artifacts } = configOf(git({}, {
    ARTIFACT_SSH_KEY_FILE: "keys/id",
    ARTIFACT_SSH_KNOWN_HOSTS_FILE: "/etc/agent/hosts",
  }));
  assert.equal(artifacts.engine, "git");
  assert.equal(artifacts.sshKeyFile, "/home/agent/keys/id");
  assert.equal(artifacts.sshKnownHostsFile, "/etc/agent/hosts");
});

Deno.test("artifact.engine=git: accepts a REPO_URL over SSH, whose host is then allowed", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["ssh://git@git.example.org/team/r.git", "git.example.org", "ssh://git.example.org/"],
    ["ssh://u:p@git.example.org:2222/r.git", "git.example.org:2222", "ssh://git.example.org:2222/"],
    ["git@git.example.org:team/r.git", "git.example.org", "ssh://git.example.org/"],
    ["ssh://git@[::1]:22/r.git", "[::1]:22", "ssh://[::1]:22/"],
    ["https://u:p@git.example.org/r.git", "git.example.org", "https://git.example.org/r.git"],
  ];
  for (const [REPO_URL, host, repoUrl] of cases) {
    const { artifacts, lifecycle } = configOf(git({ REPO_URL }));
    assert.deepEqual(artifacts.allowedHosts, [host], REPO_URL);
    assert.equal(artifacts.repoUrl, repoUrl);
    assert.equal(lifecycle.awaitsArtifacts, true);
  }
});

Deno.test("artifact.engine=git: refuses a REPO_URL that is no address of one host", () => {
  const odd = ["file:///r.git", "ext::sh -c x", "/r.git", "ssh://*/r", "git@*.org:r", "ssh://-o/r"];
  for (const REPO_URL of odd) {
    const { problems } = resolved(git({ REPO_URL }));
    assert.deepEqual(problems.map(({ key }) => key), ["REPO_URL"], REPO_URL);
  }
});

Deno.test("artifact.engine=git: takes auto.commit, from wherever it is", () => {
  assert.equal(configOf(git({}, { COMMIT_ENABLED: "true" })).artifacts.autoCommit, true);
  assert.equal(configOf(git({ COMMIT_ENABLED: "true" })).artifacts.autoCommit, true);
});

Deno.test("artifact.engine=isomorphic: says that settings for SSH are not used", () => {
  const { warnings } = resolved({ env: { ARTIFACT_SSH_KEY_FILE: "id" } });
  assert(warnings.includes("artifact.ssh.key.file without artifact.engine=git is not used"));
  assert(!resolved(git()).warnings.some((line) => line.includes("artifact.ssh")));
});

Deno.test("artifact.sparse: takes directories, with artifact.engine=git and without auto.commit", () => {
  const { artifacts } = configOf(git({}, { ARTIFACT_SPARSE: "web/assets, conf" }));
  assert.deepEqual(artifacts.sparse, ["web/assets", "conf"]);
  assert.equal(configOf(git()).artifacts.sparse, undefined);
  const refused: readonly (readonly [Record<string, string>, RegExp])[] = [
    [
      { ARTIFACT_SPARSE: "a", ARTIFACT_ENGINE: "isomorphic" },
      /^artifact\.sparse: .*engine=git only/,
    ],
    ...["/a", "a/", "a//b", "../a", "a/../b", ".", "a/.git/b", "a\\b"].map((value) =>
      [{ ARTIFACT_SPARSE: value }, /^artifact\.sparse: .*not a directory of a repository/] as const
    ),
  ];
  for (const [env, expected] of refused) {
    const [text = "", ...others] = resolved(git({}, env)).problems.map(problemText);
    assert.match(text, expected);
    assert.deepEqual(others, []);
  }
  const both = resolved(git({}, { ARTIFACT_SPARSE: "a", COMMIT_ENABLED: "true" })).problems;
  assert(both.map(problemText).some((text) => /^auto\.commit: /.test(text)));
});
