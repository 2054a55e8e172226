import assert from "node:assert/strict";
import fc from "fast-check";
import { dirname, join } from "node:path";
import { parseTarget, planLinks, staysInside } from "../../src/git/link_target.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Plans links given as path and target. */
function plan(links: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(links).map(([path, id]) => ({
    path,
    id,
    mode: 0o120000 as const,
  }));
  return planLinks(entries, bytes).links.map(({ path }) => path);
}

Deno.test("parseTarget: takes relative text of a reasonable length only", () => {
  assert.equal(parseTarget(bytes("../a b/ü")), "../a b/ü");
  for (const bad of ["", "/", "/a", "a\nb", "a\0b", "x".repeat(4001)]) {
    assert.equal(parseTarget(bytes(bad)), undefined, JSON.stringify(bad.slice(0, 10)));
  }
  assert.equal(parseTarget(new Uint8Array([0xff])), undefined);
  assert.equal(parseTarget(bytes("x".repeat(4000)))?.length, 4000);
});

Deno.test("staysInside: follows links as the system does", () => {
  const links: Record<string, string | null> = { "d/l": "../e/f", "out": null, "loop": "loop" };
  const stays = (path: string, target: string) => staysInside(path, target, (at) => links[at]);
  assert.equal(stays("a", "d/l/.."), true);
  // d/l is e/f, so two steps up lead to the top, three outside.
  assert.equal(stays("a", "d/l/../.."), true);
  assert.equal(stays("a", "d/l/../../.."), false);
  assert.equal(stays("x/y", ".."), true);
  assert.equal(stays("x/y", "../.."), false);
  assert.equal(stays("a", "out"), false);
  assert.equal(stays("a", "out/../b"), false);
  assert.equal(stays("a", "loop"), false);
  assert.equal(stays("a", "x/.git/config"), false);
  assert.equal(stays("a", ".cartridge-agent/1"), false);
});

Deno.test("planLinks: leaves out what leads out by itself or through another link", () => {
  assert.deepEqual(
    plan({ "ok": "x", "bad": "/etc", "via": "bad/passwd", "self": "self", "a": "b", "b": "a" }),
    ["ok"],
  );
  assert.deepEqual(plan({ "d/l": "..", "two": "d/l/.." }), ["d/l"]);
});

Deno.test("planLinks: bounds what a chain of links may cost", () => {
  const links: Record<string, string> = {};
  for (let index = 0; index < 60; index++) {
    links[`l${index}`] = Array.from({ length: 20 }, () => `l${index + 1}/..`).join("/");
  }
  assert.deepEqual(plan(links).includes("l0"), false);
});

/** The system judges: a planned link, once made with all others, leads to nothing outside. */
Deno.test("planLinks: no planned link leads outside, whatever the tree", async () => {
  await using temporary = await temporaryDirectory();
  const part = fc.constantFrom("a", "b", "c", "..", ".");
  const name = fc.constantFrom("a", "b", "c");
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  const target = fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("/")),
    fc.constant("/etc"),
  );
  let run = 0;
  let planned = 0;
  fc.assert(
    fc.property(fc.dictionary(path, target, { maxKeys: 6 }), (wanted) => {
      // As in a tree, nothing is below a link.
      const paths = Object.keys(wanted);
      const links = Object.fromEntries(
        Object.entries(wanted).filter(([path]) =>
          !paths.some((other) => path.startsWith(`${other}/`))
        ),
      );
      const root = join(temporary.path, `${run++}`);
      for (const directory of ["a/a/a", "b/b", "c"]) {
        if (!paths.some((path) => `${directory}/`.startsWith(`${path}/`))) {
          Deno.mkdirSync(join(root, directory), { recursive: true });
        }
      }
      Deno.mkdirSync(root, { recursive: true });
      const good = plan(links);
      for (const path of good) {
        Deno.mkdirSync(dirname(join(root, path)), { recursive: true });
        try {
          Deno.symlinkSync(links[path] ?? "", join(root, path));
        } catch (error) {
          if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
        }
      }
      const real = Deno.realPathSync(root);
      for (const path of good) {
        planned++;
        try {
          const leads = Deno.realPathSync(join(root, path));
          assert(leads === real || leads.startsWith(`${real}/`), `${path} → ${links[path]}`);
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
      }
      Deno.removeSync(root, { recursive: true });
    }),
    { numRuns: 300 },
  );
  assert(planned > 100, `${planned} links`);
});
