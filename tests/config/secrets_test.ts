import assert from "node:assert/strict";
import fc from "fast-check";
import { Redactor } from "../../src/base/redactor.ts";
import { checkRows } from "../../src/config/check_rows.ts";
import { allFields } from "../../src/config/fields.ts";
import { environmentOf } from "../../src/config/field.ts";
import { problemText } from "../../src/config/reader.ts";
import { renderCheck } from "../../src/config/render_check.ts";
import { resolve } from "../../src/config/resolve.ts";
import { secretsOf } from "../../src/config/secrets_of.ts";
import { isSecretName, shownKey, shownText } from "../../src/config/shown_value.ts";
import { configOf, type SampleSources, sampleSources } from "./sample_sources.ts";

const canary = "cAnArY";
const secretFields = allFields.filter((field) => field.secret);

/** Everything that a person or a log would see of these sources. */
function outputs(sample: SampleSources, withConfig = true): string {
  const sources = sampleSources(sample);
  const resolution = resolve(sources, "/home/agent/logs");
  const { config, warnings, debug, problems, fileProblems, computed } = resolution;
  const texts = [...warnings, ...debug, ...problems.map(problemText), ...fileProblems];
  if (config) {
    const describe = () => checkRows(config, sources, computed);
    texts.push(renderCheck({ warnings, describe }));
    // The launch parameters are what extensions get and hold what the platform wrote.
    const { launchParameters: _, ...shown } = config;
    if (withConfig) texts.push(Deno.inspect(shown, { depth: 9 }), JSON.stringify(shown));
  }
  return texts.join("\n");
}

/** Texts around the canary that have tripped up parsers of URLs, INI files and shell words. */
const odd = fc.oneof(
  fc.stringMatching(/^[ -~]{0,6}$/),
  fc.constantFrom(
    "80/",
    "80?",
    "80#",
    "@h/",
    "@",
    ":",
    "//",
    "%",
    "%40",
    " ;",
    "'",
    "$'",
    "tcp://",
  ),
).map((text) => text.replaceAll(/,/g, ""));
const secret = fc.tuple(odd, odd).map(([before, after]) => `${before}${canary}${after}`);

Deno.test("secrets: appear in no output, wherever and however they are set", () => {
  const source = fc.constantFrom("set", "env", "file", "conf", "launch");
  fc.assert(
    fc.property(fc.constantFrom(...secretFields), source, secret, (field, kind, text) => {
      const name = environmentOf(field)[0] ?? field.key;
      const sample: Record<typeof kind, SampleSources> = {
        set: { set: { [field.key]: text } },
        env: { env: { [name]: text } },
        file: { files: { [field.fileVariable ?? ""]: { path: "/run/secret", value: text } } },
        conf: { conf: `${field.key} = ${text}` },
        launch: { launch: { [name]: text } },
      };
      for (const rest of [{ "mb.urls": "mb:1" }, {}]) {
        const { launch = {}, ...others } = sample[kind];
        const shown = outputs({ ...others, launch: { ...rest, ...launch } });
        assert.ok(!shown.includes(canary), shown);
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("secrets: in URLs and addresses appear in no output", () => {
  const key = fc.constantFrom(
    "REPO_URL",
    "metadata.service.url",
    "mb.urls",
    "thrift.receiver.urls",
  );
  const scheme = fc.constantFrom("https://", "http://", "ssh://", "");
  const source = fc.constantFrom("set" as const, "conf" as const, "launch" as const);
  fc.assert(
    fc.property(key, scheme, secret, source, (key, scheme, text, source) => {
      const value = `${scheme}user:${text}@host:1/r.git?x=1`;
      const setting = source === "conf" ? `${key} = ${value}` : { [key]: value };
      const launch = { "mb.urls": "mb:1", CARTRIDGE_KEY: "0123456789abcdef" };
      const sample: SampleSources = source === "launch"
        ? { launch: { ...launch, [key]: value } }
        : { launch, [source]: setting };
      const shown = outputs(sample, false);
      // After ` ;` the rest is a comment, which takes the @ away: then nothing tells what it was.
      const isCut = source === "conf" && / ;/.test(value);
      assert.ok(isCut || !shown.toLowerCase().includes(canary.toLowerCase()), shown);
    }),
    { numRuns: 400 },
  );
});

Deno.test("secrets: in queries of URLs appear in no output", () => {
  const REPO_URL = `https://host/r.git?private_token=${canary}#${canary}`;
  const launch = { "mb.urls": "mb:1", CARTRIDGE_KEY: "0123456789abcdef", REPO_URL };
  const { repoUrl } = configOf({ launch }).artifacts;
  assert.equal(repoUrl, REPO_URL);
  const sources = sampleSources({ launch });
  const { config, computed } = resolve(sources, "/logs");
  assert.ok(config);
  const rows = checkRows(config, sources, computed);
  assert.ok(!JSON.stringify(rows).includes(canary));
});

Deno.test("secrets: do not appear when a line of agent.conf is malformed or a key misspelt", () => {
  const conf = [
    `mb.password ${canary}`,
    `mb.pasword = ${canary}`,
    `mb.pasword2 = x`,
    `  ${canary}`,
    `=${canary}`,
    `[${canary}`,
  ].join("\n");
  for (const launch of [{ "mb.urls": "mb:1" }, {}]) {
    assert.ok(!outputs({ conf, launch }).includes(canary));
  }
  assert.ok(
    !outputs({ conf: `mb.pasword = ${canary}`, launch: { "mb.urls": "mb:1" } })
      .includes(canary),
  );
});

Deno.test("secrets: a line of a key file that looks like a key of agent.conf is not repeated", () => {
  const line = "MIIEpAIBAAKCAQEAwJbyTcgrGw4nSM7ubFnWqkbZc1Qf1E5k0cZ3b7hF";
  const shown = outputs({ conf: `${line}=`, launch: { "mb.urls": "mb:1" } });
  assert.match(shown, /unknown key "miiepaib…"/);
  assert.ok(!shown.toLowerCase().includes(line.slice(8, 30).toLowerCase()));
});

Deno.test("secrets: launch parameters that are secrets by their name are masked in check", () => {
  const names = [
    "TOKEN",
    "MYSQL_ROOT_PASSWORD",
    "PASSWORD",
    "CLIENT_SECRET",
    "API_KEY",
    "x.token",
    "DB_PASS",
    "DB_PWD",
  ];
  const launch = Object.fromEntries(names.map((name) => [name, canary]));
  const shown = outputs({ launch: { ...launch, "mb.urls": "mb:1" } });
  assert.ok(!shown.includes(canary));
  for (const name of names) assert.match(shown, new RegExp(`${name} +\\*\\*\\* `));
  for (const name of ["EXPORT_METADATA_KEYS", "LB_PRIVATE_IP", "PORTS", "KEYBOARD", "BYPASS"]) {
    assert.equal(isSecretName(name), false);
  }
});

Deno.test("secrets: a secret under a name that does not tell is masked in check", () => {
  const launch = { MB_USERNAME: "u", MB_PASSWORD: canary, NOTE: `is ${canary}`, "mb.urls": "mb:1" };
  assert.match(outputs({ launch }), /NOTE +is \*\*\* /);
});

Deno.test("shown text: is one line of bounded length without control characters", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
    assert.doesNotMatch(shownText(text), /[\p{Cc}\u2028\u2029]/u);
    assert.ok(shownText(text).length <= 6 * 161);
    assert.ok(shownKey(text).length <= 6 * 49);
  }));
});

Deno.test("secretsOf: names every secret once, as the redactor needs it", () => {
  const config = configOf({
    env: { MB_USERNAME: "u", MB_PASSWORD: "broker-pw", CEP_PASSWORD: "cep-pw" },
    conf: "monitoring.server.admin.password = monitor-pw",
    launch: {
      CARTRIDGE_KEY: "0123456789abcdef",
      TOKEN: "bearer",
      REPO_URL: "https://user:p%40ss=w@host/r.git",
      DB_PASSWORD: "launch-pw",
      SHORT_PASSWORD: "root",
    },
  });
  const values = secretsOf(config).map((value) => value.open());
  assert.deepEqual(values.toSorted(), [
    "0123456789abcdef",
    "bearer",
    "broker-pw",
    "cep-pw",
    "launch-pw",
    "monitor-pw",
    "p%40ss%3Dw",
    "p%40ss=w",
    "p@ss=w",
  ]);
});

Deno.test("secretsOf: takes the user name of a URL for a token when there is no password", () => {
  const launch = { CARTRIDGE_KEY: "0123456789abcdef", REPO_URL: "https://ghp_abc@host/r.git" };
  const values = secretsOf(configOf({ launch })).map((value) => value.open());
  assert.deepEqual(values.toSorted(), ["0123456789abcdef", "ghp_abc"]);
});

Deno.test("secretsOf: leaves the shipped password alone", () => {
  assert.deepEqual(secretsOf(configOf({})), []);
  const redactor = new Redactor();
  for (const value of secretsOf(configOf({}))) redactor.add(value);
  assert.equal(redactor.redact("user admin"), "user admin");
});
