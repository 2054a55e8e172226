import assert from "node:assert/strict";
import fc from "fast-check";
import { parseLaunchParams } from "../../src/config/launch_params.ts";

function read(text: string): Record<string, string> {
  return Object.fromEntries(parseLaunchParams(text).parameters);
}

async function fixture(name: string): Promise<string> {
  const folder = new URL("../fixtures/vectors/launch-params/", import.meta.url);
  return await Deno.readTextFile(new URL(`${name}.launch-params`, folder));
}

const readings: readonly (readonly [string, string, Record<string, string>])[] = [
  ["commas separate pairs", "A=1,B=2", { A: "1", B: "2" }],
  ["a comma without KEY= after it belongs to the value", "A=1,2,B=3", { A: "1,2", B: "3" }],
  ["a key does not start with a digit", "A=1,2B=3", { A: "1,2B=3" }],
  ["a key holds letters, digits, _ and .", "a.b_C1=1,_=2,x-y=3", { "a.b_C1": "1", _: "2,x-y=3" }],
  ["a key has no blank before it", "A=1, B=2", { A: "1, B=2" }],
  ["the first = separates", "A=b=c==,D=?x=1&y=2", { A: "b=c==", D: "?x=1&y=2" }],
  ["quotes around a value go", "A='8080|8443',B='*'", { A: "8080|8443", B: "*" }],
  ["one pair of quotes goes", "A=''x'',B='a'b'", { A: "'x'", B: "a'b" }],
  ["quotes that do not match stay", "A='x,B=y',C=it's", { A: "x,B=y", C: "it's" }],
  ["a lone quote stays", "A=',B=x", { A: "'", B: "x" }],
  ["a quoted word that goes on is text", "A='x'B=1,C=2", { A: "'x'B=1", C: "2" }],
  ["double quotes stay", 'A="x"', { A: '"x"' }],
  ["what is quoted is one value, with commas", "A='x,B=y,',C=z", { A: "x,B=y,", C: "z" }],
  ["an escaped quote of the shell is a quote", "A='it'\\''s',B=1", { A: "it's", B: "1" }],
  ["escapes of $'…' are undone", "A=$'a\\tb\\'c\\\\d\\n',B=1", { A: "a\tb'c\\d\n", B: "1" }],
  ["octal and hex escapes are bytes of UTF-8", "A=$'\\303\\274\\xe4\\xbd\\xa0'", { A: "ü你" }],
  ["unicode and control escapes are characters", "A=$'\\u00fc\\U0001F600\\cA'", {
    A: "ü😀\x01",
  }],
  ["unknown escapes stay", "A=$'\\q'", { A: "\\q" }],
  ["$' without an end is text", "A=$'x,B=1", { A: "$'x", B: "1" }],
  ["blanks inside a value stay", "A=  x y ,B=' z '", { A: "  x y ", B: " z " }],
  ["the line end at the file's end goes", "A=1,B=x\r\n", { A: "1", B: "x" }],
  ["null and empty are absent", "A=null,B=,C='',D='null',E=nullx", { E: "nullx" }],
  ["the last of repeated keys counts", "A=1,A=2", { A: "2" }],
  ["a last one that is absent counts too", "A=1,A=null", {}],
  [",, is nothing", "A=1,,,B=2,,", { A: "1", B: "2" }],
  ["commas at the start are nothing", ",,A=1", { A: "1" }],
  [",, after quotes is nothing", "A='1',,B=2", { A: "1", B: "2" }],
  ["a quoted last value may be followed by commas", "A='1',", { A: "1" }],
  ["the prefix of payload parameters goes", "payload_parameter.X=1,payload_parameter.=2", {
    X: "1",
    "payload_parameter.": "2",
  }],
  ["an empty file says nothing", "\n", {}],
  ["a byte order mark is nothing", "\uFEFFA=1", { A: "1" }],
  ["names of members of objects are names", "__proto__=1", { ["__proto__"]: "1" }],
];

for (const [rule, text, expected] of readings) {
  Deno.test(`launch-params: ${rule}`, () => assert.deepEqual(read(text), expected));
}

Deno.test("launch-params: counts what stands before the first key", () => {
  assert.equal(parseLaunchParams("rubbish, more,A=1").ignoredCharacters, 11);
  assert.equal(parseLaunchParams("rubbish").ignoredCharacters, 7);
  assert.equal(parseLaunchParams(",\n,A=1").ignoredCharacters, 0);
});

Deno.test("launch-params: reads a virtual machine's file", async () => {
  assert.deepEqual(read(await fixture("vm-simple")), {
    APPLICATION_ID: "single-cartridge-app",
    SERVICE_NAME: "php",
    HOST_NAME: "my-php.php.stratos.org",
    MULTITENANT: "false",
    TENANT_ID: "-1234",
    TENANT_RANGE: "*",
    CARTRIDGE_ALIAS: "my-php",
    CLUSTER_ID: "single-cartridge-app.my-php.php.domain",
    CARTRIDGE_KEY: "tvnw63ufg9gh5111",
    DEPLOYMENT: "default",
    APPLICATION_PATH: "/var/www",
    REPO_URL: "https://bitbucket.org/example-user/testrepo.git",
    PORTS: "80",
    PORT_MAPPINGS: "NAME:http|PROTOCOL:http|PORT:80|PROXY_PORT:8280|TYPE:null",
    PROVIDER: "apache",
    TOKEN:
      "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOi04NzI0ODEyNDF9.OSa1gIXUT9amhk1YEU02Yc3JtUYqanzrXh5K1YyvRXc",
    MEMBER_ID: "single-cartridge-app.my-php.php.domain6d9a5c9e-7b1f-4c1e-9f52-3a0f5b2a9a01",
    CLUSTER_INSTANCE_ID: "single-cartridge-app-1",
    NETWORK_PARTITION_ID: "network-partition-1",
    PARTITION_ID: "partition-1",
    INTERNAL: "false",
    MIN_COUNT: "1",
  });
});

Deno.test("launch-params: reads a virtual machine's file with odd values", async () => {
  const parameters = read(await fixture("vm-odd-values"));
  assert.equal(parameters["REPO_URL"], "https://u:p=w@host/r.git?x=1&y=2");
  assert.equal(parameters["K1"], "v=with=equals");
  assert.equal(parameters["K2"], "v,with,commas");
  assert.equal(parameters["K3"], undefined);
  assert.equal(parameters["K4"], " sp aces ");
  assert.equal(parameters["K5"], "ü你");
  assert.equal(parameters["PUPPET_ENV"], "true");
  assert.equal(parameters["DEPENDENCY_CLUSTER_IDS"], undefined);
  assert.equal(parameters["INTERNAL"], "false");
  assert.equal(Object.keys(parameters).length, 26);
});

Deno.test("launch-params: reads a container's file", async () => {
  const parameters = read(await fixture("docker-simple"));
  assert.equal(parameters["TENANT_RANGE"], "*");
  assert.equal(parameters["BASH_VERSION"], "5.2.15(1)-release");
  assert.equal(parameters["IFS"], " \t,");
  assert.equal(parameters["IMPORT_METADATA_KEYS"], undefined);
  assert.equal(parameters["PORTS"], "80");
  assert.equal(
    parameters["PORT_MAPPINGS"],
    "NAME:http|PROTOCOL:http|PORT:80|PROXY_PORT:8280|TYPE:null",
  );
  assert.equal(parameters["_"], "posix");
});

Deno.test("launch-params: reads a container's full file", async () => {
  const parameters = read(await fixture("docker-full"));
  assert.equal(parameters["MB_URLS"], "10.0.0.1:1883,10.0.0.2:1883");
  assert.equal(parameters["PORTS"], "8080|8443");
  assert.equal(parameters["REPO_URL"], undefined);
  assert.equal(parameters["LVS_VIRTUAL_IP"], "192.168.0.40|255.255.255.0");
  assert.equal(
    parameters["PERSISTENCE_MAPPING"],
    "/dev/vdb|vol-1|/mnt/data|/dev/vdc|vol-2|/mnt/logs",
  );
  assert.ok(parameters["TOKEN"]?.endsWith("=="));
  assert.equal(parameters["PS4"], "+ ");
  assert.equal(parameters["BASH_LINENO"], '([0]="0")');
});

Deno.test("launch-params: reads a container's file with odd values", async () => {
  const parameters = read(await fixture("docker-odd-values"));
  assert.equal(parameters["REPO_URL"], "https://u:p=w@host/r.git?x=1&y=2");
  assert.equal(parameters["K1"], "v=with=equals");
  assert.equal(parameters["K4"], " sp aces ");
  assert.equal(parameters["INSTANCE_ID"], undefined);
});

const key = fc.stringMatching(/^[A-Za-z_.][A-Za-z0-9_.]{0,12}$/)
  .filter((name) => !name.startsWith("payload_parameter."));
const splits = /,+(?:[A-Za-z_.][A-Za-z0-9_.]*=|$)/;

Deno.test("launch-params: reads back plain values that hold no ,KEY=", () => {
  const value = fc.string({ minLength: 1 }).filter((text) =>
    text !== "null" && !splits.test(text) && !/^\$?'|[\r\n,]$|^,*$/.test(text)
  );
  fc.assert(fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (pairs) => {
    const text = Object.entries(pairs).map(([name, content]) => `${name}=${content}`).join(",");
    assert.deepEqual(read(text), pairs);
  }));
});

Deno.test("launch-params: reads back any value when the shell quoted it", () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom("'", ",A=", ",", "\\", "=", "\n", "$'"));
  const value = fc.array(piece, { minLength: 1 }).map((parts) => parts.join(""))
    .filter((text) => text !== "" && text !== "null");
  fc.assert(fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (pairs) => {
    const quoted = Object.entries(pairs)
      .map(([name, content]) => `${name}='${content.replaceAll("'", "'\\''")}'`);
    assert.deepEqual(read(quoted.join(",")), pairs);
  }));
});

Deno.test("launch-params: never throws and never makes up text", () => {
  const pieces = fc.constantFrom("A", "=", ",", "'", "$'", "\\", "\\''", "null", "\n", " ", "x1");
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (source) => {
      for (const [name, value] of parseLaunchParams(source).parameters) {
        assert.match(name, /^[A-Za-z_.][A-Za-z0-9_.]*$/);
        assert.ok(value.length > 0 && value.length <= source.length);
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("launch-params: takes no longer than a moment when a file is large and odd", () => {
  const odd = [
    ",",
    "=",
    "A",
    ",A",
    ",A=",
    "A='",
    ",A='x",
    ",A=$'",
    ",A=$'\\'",
    "'\\''",
    ",A='\\''",
  ];
  for (const piece of [...odd, "\\", "$'\\", ",A=x,,,", "\n"]) {
    const text = "A=" + piece.repeat(Math.ceil(1_000_000 / piece.length)) + "x";
    const started = performance.now();
    parseLaunchParams(text);
    assert.ok(performance.now() - started < 3000, piece);
  }
});
