import assert from "node:assert/strict";
import { namesToUnset } from "../../src/extensions/environment.ts";

const inherited = ["PATH", "HOME", "JAVA_HOME", "MB_PASSWORD", "STRATOS_OLD", "STRATOS_NEW"];

Deno.test("environment: takes away secrets and foreign STRATOS_ names, nothing else", () => {
  const names = namesToUnset(inherited, { STRATOS_NEW: "x" });
  for (
    const name of [
      "MB_PASSWORD",
      "CEP_PASSWORD",
      "OTEL_EXPORTER_OTLP_HEADERS",
      "STATUS_TOKEN_FILE",
      "CARTRIDGE_KEY_FILE",
      "STRATOS_OLD",
    ]
  ) {
    assert(names.includes(name), name);
  }
  for (const name of ["PATH", "HOME", "JAVA_HOME", "STRATOS_NEW"]) {
    assert(!names.includes(name), name);
  }
});

Deno.test("environment: takes away all but the listed names when there is a list", () => {
  const names = namesToUnset(inherited, { STRATOS_NEW: "x" }, [
    "JAVA_HOME",
    "MB_PASSWORD",
    "STRATOS_OLD",
  ]);
  for (const name of ["PATH", "HOME", "MB_PASSWORD", "STRATOS_OLD"]) {
    assert(names.includes(name), name);
  }
  for (const name of ["JAVA_HOME", "STRATOS_NEW"]) assert(!names.includes(name), name);
});
