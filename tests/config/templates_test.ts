import assert from "node:assert/strict";
import { allFields, fieldsByName } from "../../src/config/fields.ts";
import { parseIni } from "../../src/config/ini.ts";
import { parseLaunchParams } from "../../src/config/launch_params.ts";
import { resolve } from "../../src/config/resolve.ts";
import { configOf, resolved, sampleSources } from "./sample_sources.ts";

const shipped = (name: string) => Deno.readTextFile(new URL(`../../conf/${name}`, import.meta.url));

/** Keys and placeholders of the original's templates: the newest, then where older ones differ. */
const originalTemplate = `
mb.urls                               =MB-URLS
mb.username                           =MB-USERNAME
mb.password                           =MB-PASSWORD
mb.publisher.timeout                  =MB-PUBLISHER-TIMEOUT
listen.address                        =LISTEN_ADDR
thrift.receiver.urls                  =CEP-URLS
thrift.server.admin.username          =CEP-ADMIN-USERNAME
thrift.server.admin.password          =CEP-ADMIN-PASSWORD
cep.stats.publisher.enabled           =ENABLE_HEALTH_PUBLISHER
lb.private.ip                         =LB_PRIVATE_IP
lb.public.ip                          =LB_PUBLIC_IP
enable.artifact.update                =ENABLE_ARTFCT_UPDATE
auto.commit                           =COMMIT_ENABLED
auto.checkout                         =CHECKOUT_ENABLED
artifact.update.interval              =ARTFCT_UPDATE_INT
artifact.clone.retries                =ARTFCT_CLONE_RETRIES
artifact.clone.interval               =ARTFCT_CLONE_INT
enable.initial.artifact.backup        =ENABLE_INITIAL_ARTIFACT_BACKUP
port.check.timeout                    =PORT_CHECK_TIMEOUT
enable.data.publisher                 =ENABLE-DATA-PUBLISHER
monitoring.server.ip                  =MONITORING-SERVER-IP
monitoring.server.port                =MONITORING-SERVER-PORT
monitoring.server.secure.port         =MONITORING-SERVER-SECURE-PORT
monitoring.server.admin.username      =MONITORING-SERVER-ADMIN-USERNAME
monitoring.server.admin.password      =MONITORING-SERVER-ADMIN-PASSWORD
log.file.paths                        =LOG_FILE_PATHS
APPLICATION_PATH                      =APPLICATION-PATH
metadata.service.url                  =METADATA-SERVICE-URL
super.tenant.repository.path          =/repository/deployment/server/
tenant.repository.path                =/repository/tenants/
`;
const olderLines = `
mb.ip                                 =MB-IP
mb.port                               =MB-PORT
thrift.receiver.ip                    =CEP-IP
thrift.receiver.port                  =CEP-PORT
thrift.receiver.urls                  =CEP-IP:CEP-PORT
APPLICATION_PATH                      =APP-PATH
`;

Deno.test("original template: unchanged, it sets nothing and leads to no problem", () => {
  const expected = configOf({});
  for (const conf of [originalTemplate, olderLines]) {
    const { config, warnings } = resolved({ conf });
    assert.deepEqual(config, expected);
    assert.deepEqual(warnings, resolved({}).warnings);
  }
});

Deno.test("original template: every placeholder is that of its key and of no other", () => {
  for (const field of allFields) {
    for (const token of field.tokens ?? []) {
      const conf = (key: string) => ({ conf: `${key} = ${token}` });
      assert.deepEqual(resolved(conf(field.key)).config, configOf({}), token);
      assert.equal(
        resolved(conf("mb.username")).config?.broker.username,
        field.key === "mb.username" ? undefined : token,
      );
    }
  }
});

Deno.test("conf/agent.conf: sets nothing that is not the default, and resolves", async () => {
  const content = parseIni(await shipped("agent.conf"));
  assert.deepEqual([content.problems, content.repeated], [[], []]);
  const sources = sampleSources({ env: { MB_IP: "mb", MB_PORT: "1883" } });
  const agentConf = { path: "/home/agent/agent.conf", content };
  const { config, problems, warnings } = resolve({ ...sources, agentConf }, "/home/agent/logs");
  assert.deepEqual(problems, []);
  const { launchParameters: _, ...shown } = configOf({});
  const { launchParameters: __, ...found } = config ?? {};
  assert.deepEqual(found, shown);
  assert.deepEqual(warnings, resolved({}).warnings);
});

Deno.test("conf/agent.conf: names every key, those of our own as comments", async () => {
  const text = await shipped("agent.conf");
  const named = new Map([...text.matchAll(/^(#?)([A-Za-z][A-Za-z._]*) +=(.*)$/gm)]
    .map(([, comment, key, value]) => [`${key}`, { isComment: comment === "#", value }]));
  for (const key of named.keys()) assert.ok(fieldsByName.has(key.toLowerCase()), key);
  const elsewhere = /^[A-Z_]+$/; // what launch-params and the environment say
  for (const field of allFields) {
    if (elsewhere.test(field.key) && field.key !== "APPLICATION_PATH") continue;
    if (field.family) continue;
    const line = named.get(field.key);
    assert.ok(line, `${field.key} is missing`);
    assert.equal(line.isComment, field.own === true, field.key);
    if (field.tokens) assert.equal(line.value, field.tokens[0], field.key);
  }
});

Deno.test("conf/logging.ini: has the sections that its keys name", async () => {
  const { sections, problems } = parseIni(await shipped("logging.ini"));
  assert.deepEqual(problems, []);
  const keys = (section: string) =>
    sections.get(section)?.get("keys")?.value.split(/\s*,\s*/) ?? [];
  assert.deepEqual(keys("handlers"), ["console", "error_file", "log_file"]);
  for (const [section, prefix] of [["handlers", "handler"], ["formatters", "formatter"]] as const) {
    for (const key of keys(section)) assert.ok(sections.has(`${prefix}_${key}`), key);
  }
  assert.equal(sections.get("handler_log_file")?.get("args")?.value, '("agent.log", "w")');
  assert.equal(sections.get("handler_log_file")?.get("level")?.value, "LOG_LEVEL");
  assert.equal(
    sections.get("formatter_default")?.get("format")?.raw,
    "[%(asctime)s] %(levelname)s {%(filename)s:%(funcName)s} - %(message)s",
  );
});

Deno.test("conf/launch-params.example: is a complete identity without a repository or ports to wait for", async () => {
  const content = parseLaunchParams(await shipped("launch-params.example"));
  const sources = sampleSources({ env: { MB_IP: "mb", MB_PORT: "1883" } });
  const { config, problems, warnings } = resolve({
    ...sources,
    launchParams: { path: "/x", content },
  }, "/logs");
  assert.deepEqual(problems, []);
  assert.equal(warnings.length, 1, "artifact events will be refused");
  assert.match(warnings[0]!, /artifact\.allowed\.hosts/);
  assert.deepEqual([config?.lifecycle.awaitsArtifacts, config?.lifecycle.ports], [false, []]);
});
