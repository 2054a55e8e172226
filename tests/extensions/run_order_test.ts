import assert from "node:assert/strict";
import { maxOrderBytes, runOrder } from "../../src/extensions/run_order.ts";

const text = (order: Uint8Array | undefined) => order && new TextDecoder().decode(order);

Deno.test("run order: is one command in braces, every word quoted", () => {
  const order = runOrder(["bash/x.sh", "it's", ""], {
    set: { STRATOS_A: "b c", STRATOS_B: "'" },
    unset: ["MB_PASSWORD", "X"],
  });
  assert.equal(
    text(order),
    "{ export STRATOS_A='b c' STRATOS_B=''\\''' CARTRIDGE_AGENT_UNSET='MB_PASSWORD X'\n" +
      "launcher_ps4=${PS4-} PS4=\nset -x\nset +x\nPS4=$launcher_ps4\n" +
      "run_script 'bash/x.sh' 'it'\\''s' ''\n}\n",
  );
});

Deno.test("run order: is none when a shell could not hand on a name, a value or an argument", () => {
  const order = (set: Record<string, string>, ...args: string[]) =>
    runOrder(["x.sh", ...args], { set, unset: [] });
  assert(order({ STRATOS_A: "1", STRATOS_b_2: "\x01\x7f\u0080😀" }, "$(x)"));
  const names = ["PATH", "PWD", "stratos_a", "STRATOS", "STRATOS_a.b", "STRATOS_a b", "STRATOS_ä"];
  for (const name of [...names, "STRATOS_a=b", "STRATOS_a;b", "STRATOS_A\n", "", "1"]) {
    assert.equal(order({ [name]: "x" }), undefined, name);
  }
  for (const odd of ["nul \0", "half \ud800"]) {
    assert.equal(order({ STRATOS_A: odd }), undefined);
    assert.equal(order({}, odd), undefined);
  }
});

Deno.test("run order: is none when it is more than a pipe holds", () => {
  const bytesWith = (value: string) =>
    runOrder(["x.sh"], { set: { STRATOS_A: value }, unset: [] })?.length;
  const frame = bytesWith("") ?? 0;
  assert.equal(bytesWith("x".repeat(maxOrderBytes - frame)), maxOrderBytes);
  assert.equal(bytesWith("x".repeat(maxOrderBytes - frame + 1)), undefined);
  assert.equal(bytesWith("é".repeat((maxOrderBytes - frame) / 2 + 1)), undefined);
  assert.equal(bytesWith("'".repeat(maxOrderBytes / 3)), undefined);
});
