import assert from "node:assert/strict";
import { environmentNameOf, environmentOf } from "../../src/config/field.ts";
import { allFields, environmentNames, fieldsByName, namesOf } from "../../src/config/fields.ts";
import { closestName } from "../../src/config/closest_name.ts";

Deno.test("field table: every default is a value of its type", () => {
  for (const field of allFields) {
    if (field.default === undefined) continue;
    assert.ok("value" in field.type.parse(field.default), field.key);
  }
});

Deno.test("field table: no name belongs to two settings", () => {
  const names = allFields.flatMap((
    field,
  ) => [...new Set(namesOf(field).map((name) => name.toLowerCase()))]);
  assert.equal(new Set(names).size, names.length);
  assert.equal(fieldsByName.size, names.length);
});

Deno.test("field table: settings of our own are in the environment under the derived name", () => {
  assert.equal(environmentNameOf("artifact.allowed.hosts"), "ARTIFACT_ALLOWED_HOSTS");
  for (const field of allFields.filter(({ own }) => own)) {
    assert.deepEqual(environmentOf(field), [environmentNameOf(field.key)]);
  }
});

Deno.test("environment: the names are those that are documented, each once", () => {
  assert.equal(new Set(environmentNames).size, environmentNames.length);
  const documented = `AGENT_HOME LOG_LEVEL MB_URLS MB_IP MB_PORT MB_USERNAME MB_PASSWORD
    MB_PASSWORD_FILE MB_PUBLISHER_TIMEOUT LISTEN_ADDR CEP_URLS CEP_IP CEP_PORT CEP_USERNAME
    CEP_PASSWORD CEP_PASSWORD_FILE ENABLE_HEALTH_PUBLISHER LB_PRIVATE_IP LB_PUBLIC_IP
    ENABLE_ARTFCT_UPDATE CHECKOUT_ENABLED COMMIT_ENABLED ARTFCT_UPDATE_INT ARTFCT_CLONE_RETRIES
    ARTFCT_CLONE_INT ENABLE_INITIAL_ARTIFACT_BACKUP PORT_CHECK_TIMEOUT ENABLE_DATA_PUBLISHER
    MONITORING_SERVER_IP MONITORING_SERVER_PORT MONITORING_SERVER_SECURE_PORT
    MONITORING_SERVER_ADMIN_USERNAME MONITORING_SERVER_ADMIN_PASSWORD
    MONITORING_SERVER_ADMIN_PASSWORD_FILE LOG_FILE_PATHS APPLICATION_PATH APP_PATH
    METADATA_SERVICE_URL METADATA_TLS_CA_FILE METADATA_TLS_VERIFY METADATA_TLS_VERIFY_NAME
    APPLICATION_ID SERVICE_NAME CLUSTER_ID CLUSTER_INSTANCE_ID MEMBER_ID
    NETWORK_PARTITION_ID PARTITION_ID MULTITENANT TENANT_ID CARTRIDGE_KEY CARTRIDGE_KEY_FILE
    STATE_DIR LOG_DIR MB_TLS MB_CA_FILE MB_CERT_FILE MB_KEY_FILE MB_LIMIT_BYTES THRIFT_TLS_CA_FILE
    THRIFT_TLS_VERIFY THRIFT_TLS_VERIFY_NAME HEALTH_PORTS_CHECK ARTIFACT_BRANCH
    ARTIFACT_ALLOWED_HOSTS ARTIFACT_CA_FILE ARTIFACT_PUBLISH ARTIFACT_ENGINE
    ARTIFACT_SPARSE ARTIFACT_SSH_KEY_FILE ARTIFACT_SSH_KNOWN_HOSTS_FILE
    ARTIFACT_ACTIVATE_ON_FAILURE ARTIFACT_LIMIT_BYTES ARTIFACT_LIMIT_FILES ARTIFACT_LIMIT_SECONDS
    EXTENSION_TIMEOUT EXTENSION_GRACE EXTENSION_REQUIRED EXTENSION_ENVIRONMENT
    EXTENSION_MODULES_ALLOW LOG_STREAM_ALIAS MULTILINE_START LOG_FORMAT STATUS_LISTEN
    STATUS_TOKEN_FILE SHUTDOWN_TIMEOUT SERVICE_MANAGER OTEL_EXPORTER_OTLP_ENDPOINT`
    .split(
      /\s+/,
    );
  const others = environmentNames.filter((name) => !name.startsWith("EXTENSION_TIMEOUT_"));
  assert.deepEqual(others, documented.toSorted());
  assert.ok(environmentNames.includes("EXTENSION_TIMEOUT_STARTSERVERS"));
});

Deno.test("closest name: is the one with the fewest edits, in any case", () => {
  const names = ["mb.ip", "mb.port", "MB_URLS"];
  assert.equal(closestName("mb.prot", names), "mb.port");
  assert.equal(closestName("MB.IPP", names), "mb.ip");
  assert.equal(closestName("mb_url", names), "MB_URLS");
  assert.equal(closestName("x", []), undefined);
});
