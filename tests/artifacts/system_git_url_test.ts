import assert from "node:assert/strict";
import { isAllowedHost } from "../../src/artifacts/allowed_host.ts";
import { gitAddressOf, parseSystemGitUrl } from "../../src/artifacts/system_git_url.ts";
import { mergeCredentials } from "../../src/git/credentials.ts";
import { parseListing } from "../../src/artifacts/system_git_listing.ts";
import { peerTest } from "../system_peers.ts";
import { launcher } from "./system_git_playground.ts";

const good: readonly (readonly [address: string, host: string, told: string])[] = [
  ["ssh://git@Host.org/a/b.git", "ssh://host.org", "ssh://git@host.org/a/b.git"],
  ["ssh://git:pw@host.org:2222/~/b", "ssh://host.org:2222", "ssh://git@host.org:2222/~/b"],
  ["ssh://host.org/b", "ssh://host.org", "ssh://event@host.org/b"],
  ["ssh://[::1]:22/b", "ssh://[::1]:22", "ssh://event@[::1]:22/b"],
  ["git@host.org:a/b.git", "ssh://host.org", "git@host.org:a/b.git"],
  ["host.org:/srv/b", "ssh://host.org", "event@host.org:/srv/b"],
  ["https://u:p@host.org/b/", "https://host.org", "https://host.org/b"],
];

Deno.test("system git address: is taken apart, and told to git with the user that SSH wants", () => {
  for (const [address, origin, told] of good) {
    const parsed = parseSystemGitUrl(address);
    assert(parsed.kind === "url", `${address}: ${JSON.stringify(parsed)}`);
    assert.equal(`${parsed.url.protocol}//${parsed.url.host}`, origin, address);
    const access = mergeCredentials(parsed, { username: "event", password: undefined });
    assert.equal(gitAddressOf(access), told, address);
    assert(!JSON.stringify(access.url).includes("pw"));
  }
});

const hostile = [
  "",
  "-oProxyCommand=x",
  "--upload-pack=x",
  "/etc",
  "../x",
  "file:///etc",
  "git://host/r",
  "ftp://host/r",
  "ext::sh -c id",
  "ssh::x",
  "ext::http://host/r",
  "fd::3",
  "ssh://-oProxyCommand=x/r",
  "ssh://-l@host/r",
  "ssh://host:-1/r",
  "ssh://host:0/r",
  "ssh://host/-r",
  "ssh://host/a/--b",
  "ssh://host",
  "ssh://ho st/r",
  "ssh://host/a b",
  "ssh://host/a\nb",
  "ssh://a@b@host/r",
  "-x@host:r",
  "git@-host:r",
  "git@host:-r",
  "git@host::r",
  "git@ho$st:r",
  "git@host:r\n-x",
  "http://user@",
  "git+ssh://host/r",
  "ssh+git://host/r",
  "SSH://*.org/r",
];

Deno.test("system git address: everything that git might take for something else is refused", () => {
  for (const address of hostile) {
    assert.equal(parseSystemGitUrl(address).kind, "refused", JSON.stringify(address));
  }
});

peerTest(
  "launcher git: refuses the same addresses by itself, and odd branches",
  ["git"],
  async () => {
    const directory = await transferDirectory();
    try {
      // Strange, but harmless to git.
      const fine = ["ssh://host:0/r", "ssh://host", "ssh://a@b@host/r"];
      const odd = hostile.filter((address) => !fine.includes(address)).map((
        address,
      ) => [address, "HEAD"])
        .concat(["https://u:p@host/r", "http://u@host/r"].map((address) => [address, "HEAD"]))
        .concat(["refs/tags/x", "--all", "refs/heads/a:b", "+refs/heads/a", "refs/heads/a b", ""]
          .map((ref) => ["http://127.0.0.1:1/r", ref]));
      for (const [address = "", ref = ""] of odd) {
        const { code, stderr } = await run(["fetch", `${directory}/transfer`, address, ref]);
        assert.equal(code, 126, `${JSON.stringify([address, ref])}: ${stderr}`);
        assert.match(stderr, /^launcher: the (?:URL|scheme of the URL|branch) is refused\n$/);
      }
      for (const verb of ["clone", "-c", "--exec-path=/tmp", "upload-pack", "config"]) {
        assert.equal(
          (await run([verb, `${directory}/transfer`, "http://h/r", "HEAD"])).code,
          64,
          verb,
        );
      }
      for (
        const path of [directory, `${directory}/transfer/../transfer`, "transfer", "/transfer"]
      ) {
        assert.equal((await run(["ls-remote", path, "http://h/r", "HEAD"])).code, 126, path);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);

Deno.test("allowed hosts: SSH needs an entry with its port, or the announced repository", () => {
  const url = (text: string) => new URL(text);
  assert(!isAllowedHost(url("ssh://h/"), ["h"]));
  assert(isAllowedHost(url("ssh://h/"), ["h:22"]));
  assert(!isAllowedHost(url("ssh://h:2222/"), ["h:22"]));
  assert(isAllowedHost(url("ssh://H:2222/"), ["*.x", "h:2222"]));
  assert(isAllowedHost(url("ssh://h/"), ["h"], "ssh://h/"));
  assert(!isAllowedHost(url("ssh://h:2222/"), ["h"], "ssh://h/"));
  assert(!isAllowedHost(url("ssh://h/"), ["h"], "https://h/r"));
});

Deno.test("listing: gives HEAD its branch, and leaves everything else out", () => {
  const [a, b] = ["a".repeat(40), "b".repeat(40)];
  const text = `ref: refs/heads/main\tHEAD\n${a}\tHEAD\n${b}\trefs/tags/x\n${b}\trefs/heads/y\n`;
  const refs = parseListing(new TextEncoder().encode(text));
  assert.equal(refs.head, "refs/heads/main");
  assert.deepEqual(
    [...refs.ids].sort(),
    [["HEAD", a], ["refs/heads/main", a], ["refs/heads/y", b]],
  );
  assert.equal(parseListing(new Uint8Array()).ids.size, 0);
  const sha256 = new TextEncoder().encode(`${"a".repeat(64)}\tHEAD\n`);
  assert.throws(() => parseListing(sha256), /SHA-1/);
});

async function transferDirectory(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "launcher-git-" });
  await Deno.mkdir(`${directory}/transfer/objects`, { recursive: true });
  return directory;
}

async function run(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(launcher, {
    args: ["git", ...args],
    clearEnv: true,
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}
