import assert from "node:assert/strict";
import fc from "fast-check";
import { repositoryPath, superTenantId } from "../../src/artifacts/repository_path.ts";

const settings = {
  applicationPath: "/var/www/",
  multiTenant: true,
  superTenantPath: "/repository/deployment/server/",
  tenantPath: "/repository/tenants/",
};

Deno.test("repositoryPath: is APPLICATION_PATH when not multi-tenant", () => {
  assert.deepEqual(repositoryPath({ ...settings, multiTenant: false }, 7), {
    kind: "path",
    path: "/var/www",
    applicationPath: "/var/www",
  });
});

Deno.test("repositoryPath: is the super tenant's path or the tenant's own when multi-tenant", () => {
  const path = (tenantId: number) => {
    const result = repositoryPath(settings, tenantId);
    return result.kind === "path" ? result.path : result.reason;
  };
  assert.equal(path(superTenantId), "/var/www/repository/deployment/server");
  assert.equal(path(42), "/var/www/repository/tenants/42");
});

Deno.test("repositoryPath: refuses an APPLICATION_PATH that is missing, relative or the root", () => {
  for (const applicationPath of ["www", "./www", "", "/", "//", "/var/..", "/var/\0/x"]) {
    const result = repositoryPath({ ...settings, applicationPath }, 1);
    assert.equal(result.kind, "refused", applicationPath);
    assert.match(
      result.kind === "refused" ? result.reason : "",
      /^Repository path cannot be accessed, or is invalid/,
    );
  }
  const { applicationPath: _, ...without } = settings;
  assert.equal(repositoryPath(without, 1).kind, "refused");
});

Deno.test("repositoryPath: refuses a tenant id that is not an integer", () => {
  for (const tenantId of [NaN, 1.5, Infinity, 2 ** 60]) {
    assert.equal(repositoryPath(settings, tenantId).kind, "refused", String(tenantId));
  }
});

Deno.test("repositoryPath: refuses settings that lead out of APPLICATION_PATH", () => {
  for (const path of ["../..", "/../../etc", "x/../../../etc", "../www-other"]) {
    const all = { ...settings, superTenantPath: path, tenantPath: path };
    assert.equal(repositoryPath(all, superTenantId).kind, "refused", path);
  }
});

Deno.test("repositoryPath: stays below APPLICATION_PATH whatever the settings are", () => {
  const part = fc.constantFrom("..", ".", "a", "/", "//", "www", "");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.integer(), (parts, tenantId) => {
      const path = parts.join("/");
      const result = repositoryPath(
        { ...settings, superTenantPath: path, tenantPath: path },
        tenantId,
      );
      assert(
        result.kind === "refused" || result.path === "/var/www" ||
          result.path.startsWith("/var/www/") && !result.path.split("/").includes(".."),
      );
    }),
  );
});
