import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { validate as validateDockerfile } from "dockerfile-utils";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { parse as parseYaml } from "yaml";
import { systemClock, withDeadline } from "../../src/base/clock.ts";
import { parseLaunchParams } from "../../src/config/launch_params.ts";
import { namespaces, peerTest, type SystemPeer } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const scripts = fileURLToPath(new URL("../../scripts/", import.meta.url));
const entrypoint = join(scripts, "container/entrypoint");

/** Stands in for the agent: lays out a home, and runs until TERM, then ends with 7. */
const stubAgent = `#!/bin/sh
case $1 in
init) mkdir -p "$2/payload" "$2/extensions/bash" && : >"$2/extensions/launcher" ;;
run)
	trap 'echo "agent ended"; exit 7' TERM
	trap 'echo "agent got HUP"' HUP
	echo "agent runs in $3"
	while :; do
		sleep 0.05 &
		wait $!
	done
	;;
esac
`;

/** What a container consists of here: a home, mounts, and the entry point in a shell. */
async function openContainer(agent = stubAgent) {
  const dir = await temporaryDirectory();
  const at = (path: string) => join(dir.path, path);
  await Deno.writeTextFile(at("agent"), agent, { mode: 0o755 });
  await Deno.mkdir(at("mnt"));
  return {
    at,
    home: at("home"),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
    start: (
      shell: readonly string[],
      args: readonly string[],
      environment: Readonly<Record<string, string>> = {},
    ) => {
      const [program = "sh", ...rest] = shell;
      return new Deno.Command(program, {
        args: [...rest, entrypoint, ...args],
        clearEnv: true,
        env: {
          PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
          AGENT_HOME: at("home"),
          AGENT_PROGRAM: at("agent"),
          AGENT_MOUNTED: at("mnt"),
          ...environment,
        },
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
    },
  };
}

/** An output that nobody ends would be waited for without an end. */
function nextOf(reader: ReadableStreamDefaultReader<string>) {
  return withDeadline(reader.read(), 60_000, () => new Error("nothing is said"), systemClock);
}

/** Reads output until it holds a text; reading goes on from there. */
async function untilSaid(reader: ReadableStreamDefaultReader<string>, text: string) {
  let seen = "";
  while (!seen.includes(text)) {
    const { value, done } = await nextOf(reader);
    assert.ok(!done, `ended without "${text}": ${seen}`);
    seen += value;
  }
  return seen;
}

async function restOf(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  for (let read = await nextOf(reader); !read.done; read = await nextOf(reader)) text += read.value;
  return text;
}

function readerOf(child: Deno.ChildProcess): ReadableStreamDefaultReader<string> {
  return child.stdout.pipeThrough(new TextDecoderStream()).getReader();
}

const shells: readonly (readonly [SystemPeer, readonly string[]])[] = [
  ["dash", ["dash"]],
  ["bash", ["bash"]],
  ["busybox", ["busybox", "sh"]],
];
for (const [peer, shell] of shells) {
  peerTest(
    `entry point (${peer}): passes signals on and ends with the agent's status`,
    [peer],
    async () => {
      await using container = await openContainer();
      const child = container.start(shell, []);
      const output = readerOf(child);
      assert.match(await untilSaid(output, "runs in"), new RegExp(container.home));
      child.kill("SIGHUP");
      await untilSaid(output, "agent got HUP");
      child.kill("SIGTERM");
      assert.match(await restOf(output), /agent ended/);
      assert.equal((await child.status).code, 7);
    },
  );

  for (const [name, code] of [["TERM", 143], ["INT", 130]] as const) {
    peerTest(
      `entry point (${peer}): starts nothing when it is asked to end before, by ${name}`,
      [peer],
      async () => {
        await using container = await openContainer(
          stubAgent.replace("init) ", `init) kill -${name} $PPID; `),
        );
        for (const service of [[], ["echo", "service"]]) {
          const child = container.start(shell, service);
          assert.equal(await restOf(readerOf(child)), "");
          const { code: ended, signal } = await child.status;
          assert.deepEqual({ ended, signal }, { ended: code, signal: null });
        }
      },
    );
  }

  peerTest(`entry point (${peer}): goes on when HUP comes before the agent`, [peer], async () => {
    await using container = await openContainer(
      stubAgent.replace("init) ", "init) kill -HUP $PPID; "),
    );
    const child = container.start(shell, []);
    const output = readerOf(child);
    await untilSaid(output, "runs in");
    child.kill("SIGTERM");
    assert.match(await restOf(output), /agent ended/);
    assert.equal((await child.status).code, 7);
  });

  peerTest(`entry point (${peer}): ends with the service, after the agent`, [peer], async () => {
    await using container = await openContainer();
    const child = container.start(shell, ["sh", "-c", "sleep 0.3; echo service ends; exit 5"]);
    const text = await restOf(readerOf(child));
    assert.match(text, /service ends[^]*agent ended/);
    assert.equal((await child.status).code, 5);
  });

  peerTest(`entry point (${peer}): ends the service when the agent ends`, [peer], async () => {
    // The agent ends once the service listens for signals.
    await using container = await openContainer(
      '#!/bin/sh\ncase $1 in init) mkdir -p "$2/payload" "$2/extensions";; ' +
        'run) until [ -e "$3/up" ]; do sleep 0.05; done; exit 78;; esac\n',
    );
    const service = "trap 'echo service ended; exit 0' TERM; : >\"$AGENT_HOME/up\"; " +
      "while :; do sleep 0.1; done";
    const child = container.start(shell, ["sh", "-c", service]);
    assert.match(await restOf(readerOf(child)), /service ended/);
    assert.equal((await child.status).code, 78);
  });

  peerTest(
    `entry point (${peer}): writes launch parameters that read as they were set`,
    [peer],
    async () => {
      await using container = await openContainer(
        '#!/bin/sh\ncase $1 in init) mkdir -p "$2/payload" "$2/extensions";; esac\n',
      );
      const odd = fc.sample(fc.string({ minLength: 1, unit: "grapheme" }), { numRuns: 40, seed: 7 })
        .filter((value) => !value.includes("\0"));
      const values = Object.fromEntries(
        [
          "8080|8443",
          "a,B=c,D='e'",
          "it's",
          "$'x\\n'",
          "  blanks  ",
          "two\nlines",
          "back\\slash",
          '"quoted"',
          "%s %% &",
          ...odd,
        ]
          .map((value, index) => [`VALUE_${index}`, value]),
      );
      const child = container.start(shell, [], {
        ...values,
        "dotted.name": "1",
        MB_PASSWORD: "secret",
        OTEL_EXPORTER_OTLP_HEADERS: "api-key=secret",
        CEP_PASSWORD_FILE: "/run/secret",
        EMPTY: "",
      });
      await restOf(readerOf(child));
      assert.equal((await child.status).code, 0);
      const path = join(container.home, "payload/launch-params");
      const { parameters } = parseLaunchParams(await Deno.readTextFile(path));
      for (const [name, value] of Object.entries(values)) {
        assert.equal(parameters.get(name), value === "null" ? undefined : value, name);
      }
      assert.equal(parameters.get("MB_PASSWORD"), undefined);
      assert.equal(parameters.get("OTEL_EXPORTER_OTLP_HEADERS"), undefined);
      assert.equal(parameters.get("CEP_PASSWORD_FILE"), undefined);
      assert.equal(parameters.get("AGENT_HOME"), undefined);
      assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    },
  );
}

Deno.test("entry point: takes mounted extensions and plugins over, executable", async () => {
  await using container = await openContainer();
  const { at, home } = container;
  await Deno.mkdir(at("mnt/extensions/bash"), { recursive: true });
  await Deno.mkdir(at("mnt/extensions/StartServers.d"));
  await Deno.mkdir(at("mnt/plugins"));
  for (const path of ["bash/clean.sh", "StartServers.d/10-server", "instance-started.sh"]) {
    await Deno.writeTextFile(at(`mnt/extensions/${path}`), "#!/bin/sh\n", { mode: 0o644 });
  }
  await Deno.writeTextFile(at("mnt/plugins/P.py"), "pass\n");
  const child = container.start(["sh"], ["true"]);
  await restOf(readerOf(child));
  assert.equal((await child.status).code, 0);
  for (const path of ["bash/clean.sh", "StartServers.d/10-server", "instance-started.sh"]) {
    assert.ok((Deno.statSync(join(home, "extensions", path)).mode ?? 0) & 0o100, path);
  }
  assert.ok(Deno.statSync(join(home, "plugins/P.py")).isFile);
});

Deno.test("entry point: keeps launch parameters that were mounted, renews its own", async () => {
  await using container = await openContainer();
  const path = join(container.home, "payload/launch-params");
  const run = async (environment: Record<string, string>) => {
    const child = container.start(["sh"], ["true"], environment);
    await restOf(readerOf(child));
    assert.equal((await child.status).code, 0);
    return parseLaunchParams(await Deno.readTextFile(path)).parameters;
  };
  assert.equal((await run({ MEMBER_ID: "one" })).get("MEMBER_ID"), "one");
  assert.equal((await run({ MEMBER_ID: "two" })).get("MEMBER_ID"), "two");
  await Deno.remove(join(container.home, "payload"), { recursive: true });
  await Deno.mkdir(join(container.home, "payload"));
  await Deno.writeTextFile(path, "MEMBER_ID=mounted");
  assert.equal((await run({ MEMBER_ID: "three" })).get("MEMBER_ID"), "mounted");
});

peerTest(
  "entry point: reaps what extensions leave behind as process 1",
  ["namespaces"],
  async () => {
    // The orphan ends after its parent: only process 1 can reap it.
    const agent = `#!/bin/sh
case $1 in
init) mkdir -p "$2/payload" "$2/extensions" ;;
run)
	mount -t proc proc /proc
	(sleep 0.2 &)
	for turn in 1 2 3 4 5 6 7 8 9 10; do
		sleep 0.2
		zombies=0
		for stat in /proc/[0-9]*/stat; do
			case $(cat "$stat" 2>/dev/null) in
			*') Z '*) zombies=$((zombies + 1)) ;;
			esac
		done
	done
	echo "process 1 is $(tr '\\0' ' ' </proc/1/cmdline), zombies: $zombies"
	exit 3
	;;
esac
`;
    await using container = await openContainer(agent);
    const child = container.start(["unshare", ...namespaces, "sh"], []);
    const text = await restOf(readerOf(child));
    assert.match(text, /process 1 is sh .*entrypoint.*zombies: 0/);
    assert.equal((await child.status).code, 3);
  },
);

Deno.test("Dockerfile: has nothing that a linter complains of", async () => {
  const path = join(scripts, "container/Dockerfile");
  const text = await Deno.readTextFile(path);
  const found = validateDockerfile(text, {}).map(({ range, message }) =>
    `${range.start.line + 1}: ${message}`
  );
  assert.deepEqual(found, []);
  for (const [, source] of text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const name of (source ?? "").split(" ")) {
      assert.ok(Deno.statSync(join(scripts, "..", name)), `${name} is copied and not there`);
    }
  }
  // The last USER counts: nobody gets root who did not ask for it.
  assert.deepEqual(text.match(/^USER .*$/gm), ["USER agent"]);
});

for (const name of ["in-image", "side-car"]) {
  Deno.test(`Kubernetes: the manifest "${name}" is a valid deployment of limited rights`, async () => {
    const text = await Deno.readTextFile(join(scripts, `kubernetes/${name}.yaml`));
    const deployment = new Deployment(parseYaml(text, { version: "1.1" }));
    deployment.validate();
    const pod = deployment.spec?.template.spec;
    assert.equal(pod?.securityContext?.runAsNonRoot, true);
    assert.equal(deployment.spec?.strategy?.type, "Recreate");
    const volumes = new Set(pod?.volumes?.map((volume) => volume.name));
    for (const container of pod?.containers ?? []) {
      assert.equal(container.securityContext?.allowPrivilegeEscalation, false);
      for (const mount of container.volumeMounts ?? []) {
        assert.ok(volumes.has(mount.name), mount.name);
      }
      // A password in the environment would be in every listing of the pod.
      for (const { name, value } of container.env ?? []) {
        assert.ok(value === undefined || !/PASSWORD$|KEY$|TOKEN$/.test(name), name);
      }
    }
  });
}
