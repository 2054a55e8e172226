import assert from "node:assert/strict";
import fc from "fast-check";
import { extensionEvent } from "../../src/config/extension_events.ts";
import {
  hostAlone,
  hostAndPort,
  hostPattern,
  hostsAndPorts,
  listener,
  showHostPort,
} from "../../src/config/host_port.ts";
import {
  applicationPorts,
  environmentName,
  moduleGrant,
  parsePersistenceMapping,
  persistenceMapping,
  virtualIp,
} from "../../src/config/payload_types.ts";
import { receiverGroups, showGroup } from "../../src/config/receiver_groups.ts";
import {
  aesKey,
  identifier,
  listOf,
  oneOf,
  plainText,
  serviceUrl,
  trueOrFalse,
  type ValueType,
  webUrl,
  wholeNumber,
} from "../../src/config/value_types.ts";

function accepts<T>(type: ValueType<T>, text: string, expected: unknown): void {
  assert.deepEqual(type.parse(text), { value: expected }, text);
}

function refuses<T>(type: ValueType<T>, ...texts: readonly string[]): void {
  for (const text of texts) {
    const parsed = type.parse(text);
    assert.ok("refused" in parsed, `accepted ${text}`);
    assert.ok(text.length < 4 || !parsed.refused.includes(text), `repeats ${text}`);
  }
}

Deno.test("true or false: accepts any case and nothing else", () => {
  for (const text of ["true", "TRUE", " True "]) accepts(trueOrFalse, text, true);
  accepts(trueOrFalse, "fALSE", false);
  refuses(trueOrFalse, "yes", "1", "0", "on", "truer", "t");
});

Deno.test("whole number: accepts base 10 within its bounds", () => {
  const type = wholeNumber(-5, 100);
  accepts(type, " 42 ", 42);
  accepts(type, "-5", -5);
  accepts(type, "+7", 7);
  accepts(type, "007", 7);
  refuses(
    type,
    "-6",
    "101",
    "1.0",
    "1e1",
    "0x10",
    "1_0",
    "١",
    "",
    "9999999999999999",
    "NaN",
    "5 0",
  );
});

Deno.test("host: accepts names and addresses", () => {
  for (const host of ["localhost", "a.b-c.example", "my_host", "10.0.0.1", "a", "example.org."]) {
    accepts(hostAlone, host, host);
  }
  accepts(hostAlone, "::1", "::1");
  accepts(hostAlone, "[fe80::1]", "fe80::1");
  refuses(hostAlone, "10.0.0.256", "10.0.0", "a b", "-a", "a-", "a..b", ".a", "a/b", "a,b", "u@h");
  refuses(hostAlone, "1::2::3", "a:1", "tcp://a", "[a]", "fe80::1%eth0", "a".repeat(254), "1234");
});

Deno.test("host:port: accepts what can be connected to", () => {
  accepts(hostAndPort, "mb:1883", { host: "mb", port: 1883 });
  accepts(hostAndPort, "[::1]:1883", { host: "::1", port: 1883 });
  refuses(hostAndPort, "mb", "mb:", ":1", "mb:0", "mb:65536", "mb:x", "::1:1883", "[mb]:1", "[]:1");
  refuses(hostAndPort, "tcp://mb:1883", "u:p@mb:1883", "mb:1883/x", "mb:-1", "[::1]", "a:1:2");
});

Deno.test("host:port: reads back what it shows", () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(fc.property(host, fc.integer({ min: 1, max: 65535 }), (host, port) => {
    accepts(hostAndPort, showHostPort({ host, port }), { host, port });
  }));
});

Deno.test("hosts and ports: keeps the order", () => {
  accepts(hostsAndPorts, "b:1, [::1]:2 ,\na:3,", [
    { host: "b", port: 1 },
    { host: "::1", port: 2 },
    { host: "a", port: 3 },
  ]);
  refuses(hostsAndPorts, ",", "a:1,b", "a:1;b:2");
});

Deno.test("listener: accepts host:port, port 0 and off", () => {
  accepts(listener, "127.0.0.1:9463", { host: "127.0.0.1", port: 9463 });
  accepts(listener, "[::]:0", { host: "::", port: 0 });
  accepts(listener, "OFF", "off");
  refuses(listener, "9463", ":9463", "on", "localhost");
});

Deno.test("host pattern: accepts hosts, ports and domains", () => {
  accepts(hostPattern, "Git.Example.org", "git.example.org");
  accepts(hostPattern, "git:8443", "git:8443");
  accepts(hostPattern, "*.example.org:8443", "*.example.org:8443");
  accepts(hostPattern, "[::1]", "[::1]");
  accepts(hostPattern, "[::1]:80", "[::1]:80");
  refuses(hostPattern, "*", "*.", "a.*", "https://git", "u@git", "git/x", "git:x", "::1", "git:0");
});

Deno.test("receivers: every element outside braces is a group of its own", () => {
  const a = { host: "a", port: 1 };
  const b = { host: "b", port: 2 };
  const alone = (peer: typeof a) => ({ mode: "failover", receivers: [peer] });
  accepts(receiverGroups, "a:1", [alone(a)]);
  accepts(receiverGroups, "a:1,b:2", [alone(a), alone(b)]);
  accepts(receiverGroups, "{a:1|b:2}", [{ mode: "failover", receivers: [a, b] }]);
  accepts(receiverGroups, "{a:1,b:2}", [{ mode: "loadBalance", receivers: [a, b] }]);
  accepts(receiverGroups, " { a:1 | b:2 } , {b:2,a:1} ,a:1", [
    { mode: "failover", receivers: [a, b] },
    { mode: "loadBalance", receivers: [b, a] },
    alone(a),
  ]);
  accepts(receiverGroups, "{a:1}", [alone(a)]);
  refuses(
    receiverGroups,
    "{a:1|b:2,a:1}",
    "{a:1",
    "a:1}",
    "{}",
    "{a:1}b:2",
    "a:1|b:2",
    ",",
    "{{a:1}}",
  );
  refuses(receiverGroups, "{a:1}{b:2}", "a", "{a:1||b:2}");
});

Deno.test("receivers: reads back what it shows", () => {
  const peer = fc.record({ host: fc.domain(), port: fc.integer({ min: 1, max: 65535 }) }, {
    noNullPrototype: true,
  });
  const group = fc.record({
    mode: fc.constantFrom("failover" as const, "loadBalance" as const),
    receivers: fc.array(peer, { minLength: 1, maxLength: 4 }),
  }, { noNullPrototype: true }).map((made) =>
    made.receivers.length > 1 ? made : { ...made, mode: "failover" as const }
  );
  fc.assert(fc.property(fc.array(group, { minLength: 1, maxLength: 4 }), (groups) => {
    accepts(receiverGroups, groups.map(showGroup).join(","), groups);
  }));
});

Deno.test("PORTS: accepts ports separated by |, each once", () => {
  accepts(applicationPorts, "8080|8443|8080", [8080, 8443]);
  accepts(applicationPorts, "80", [80]);
  refuses(applicationPorts, "80,443", "80|x", "0", "65536", "|");
});

Deno.test("LVS_VIRTUAL_IP: accepts ip|mask", () => {
  accepts(virtualIp, "192.168.0.40|255.255.255.0", {
    ip: "192.168.0.40",
    subnetMask: "255.255.255.0",
  });
  accepts(virtualIp, "::1|64", { ip: "::1", subnetMask: "64" });
  refuses(
    virtualIp,
    "192.168.0.40",
    "x|255.0.0.0",
    "192.168.0.40|x",
    "1.2.3.4|24|5",
    "1.2.3.4|999",
  );
});

Deno.test("PERSISTENCE_MAPPING: tells mount paths from volume ids by their slash", () => {
  assert.deepEqual(parsePersistenceMapping("/dev/vdb|vol-1|/mnt/data|/dev/vdc|/mnt/logs"), [
    { device: "/dev/vdb", volumeId: "vol-1", mountPath: "/mnt/data" },
    { device: "/dev/vdc", mountPath: "/mnt/logs" },
  ]);
  accepts(persistenceMapping, "/dev/vdb|/mnt", "/dev/vdb|/mnt");
  refuses(persistenceMapping, "/dev/vdb", "/dev/vdb|vol-1", "/dev/vdb||/mnt", "|/mnt", "a|/b|c");
});

Deno.test("AES key: counts bytes, not characters", () => {
  for (const text of ["x".repeat(16), "x".repeat(24), "x".repeat(32), "ü".repeat(8)]) {
    const parsed = aesKey.parse(text);
    assert.ok("value" in parsed && parsed.value.open() === text);
  }
  refuses(aesKey, "ü".repeat(16) + "x", "x".repeat(15), "x".repeat(17), "x".repeat(31));
});

Deno.test("URLs: are http or https", () => {
  const parsed = webUrl.parse("https://u:p@git.example.org:8443/a.git");
  assert.ok("value" in parsed && parsed.value.host === "git.example.org:8443");
  refuses(webUrl, "git@host:a.git", "ssh://host/a.git", "file:///a", "host/a.git", "https://");
  accepts(serviceUrl, " https://mds:9443 ", "https://mds:9443");
  refuses(serviceUrl, "https://u:p@mds", "https://u@mds", "mds:9443");
});

Deno.test("words: are accepted in any case", () => {
  accepts(oneOf("files", "symlink"), "SymLink", "symlink");
  refuses(oneOf("files", "symlink"), "filez", "symlinked");
});

Deno.test("names and text: hold no control characters", () => {
  accepts(identifier, "a.php.domain", "a.php.domain");
  refuses(identifier, "line\nbreak", " front", "back ", "nul\0", "x".repeat(1025));
  accepts(plainText, " a b ", " a b ");
  refuses(plainText, "line\nbreak", "esc\x1b[1m");
  accepts(environmentName, "JAVA_HOME", "JAVA_HOME");
  refuses(environmentName, "1A", "A-B", "A B", "A=B");
  accepts(moduleGrant, "notify:net=hooks.example.org:443", "notify:net=hooks.example.org:443");
  refuses(moduleGrant, "../up", "a b", ":net", "a:");
});

Deno.test("events: are known in any case", () => {
  accepts(extensionEvent, "startservers", "StartServers");
  refuses(extensionEvent, "StartServer");
});

Deno.test("lists: name the element that is refused, not its text", () => {
  const parsed = listOf(wholeNumber(1, 9), ",", "digits").parse("1,2,canary");
  assert.deepEqual(parsed, { refused: "element 3 is not a whole number" });
});
