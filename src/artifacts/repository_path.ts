import { isAbsolute, join, normalize } from "node:path";

/** The super tenant, which has a directory of its own in a multi-tenant application. */
export const superTenantId = -1234;

/** What decides where a tenant's files go. */
export interface RepositoryPathSettings {
  /** APPLICATION_PATH as configured. */
  readonly applicationPath?: string;
  readonly multiTenant: boolean;
  /** Below APPLICATION_PATH: files of the super tenant. */
  readonly superTenantPath: string;
  /** Below APPLICATION_PATH: the directory that holds one directory per other tenant. */
  readonly tenantPath: string;
  /** artifact.publish: trees that replace each other can hold no directory of another tenant. */
  readonly publish?: "files" | "symlink";
}

/** A directory, or why there is none. */
export type RepositoryPath =
  | {
    readonly kind: "path";
    /** Absolute, normalised, without a trailing slash. */
    readonly path: string;
    /** APPLICATION_PATH in the same form; `path` is it or lies below it. */
    readonly applicationPath: string;
  }
  | { readonly kind: "refused"; readonly reason: string };

/** Why a checkout into an unusable APPLICATION_PATH is refused, in the words operators know. */
export const invalidPathReason = "Repository path cannot be accessed, or is invalid";

/**
 * The directory that a tenant's artifacts are checked out into.
 *
 * Not multi-tenant: APPLICATION_PATH. Multi-tenant: the super tenant's path below it, or the tenants'
 * path and the tenant id. Refused are an APPLICATION_PATH that is not absolute, a tenant id that is
 * not an integer, and settings that lead out of APPLICATION_PATH.
 */
export function repositoryPath(settings: RepositoryPathSettings, tenantId: number): RepositoryPath {
  if (!Number.isSafeInteger(tenantId)) {
    return refused(`the tenant id ${JSON.stringify(String(tenantId))} is not an integer`);
  }
  const given = settings.applicationPath;
  if (given === undefined || given === "") {
    return refused(`${invalidPathReason}: APPLICATION_PATH is not set`);
  }
  if (!isAbsolute(given)) {
    return refused(`${invalidPathReason}: APPLICATION_PATH "${given}" is not absolute`);
  }
  if (given.includes("\0")) {
    return refused(`${invalidPathReason}: APPLICATION_PATH holds a NUL character`);
  }
  const applicationPath = withoutTrailingSlash(normalize(given));
  if (applicationPath === "/") {
    return refused(`${invalidPathReason}: APPLICATION_PATH is the root directory`);
  }
  const path = withoutTrailingSlash(join(applicationPath, relativePath(settings, tenantId)));
  if (path !== applicationPath && !path.startsWith(`${applicationPath}/`) || path.includes("\0")) {
    return refused(
      `${invalidPathReason}: the directory of tenant ${tenantId} is not below APPLICATION_PATH`,
    );
  }
  if (settings.multiTenant && settings.publish === "symlink" && isNested(settings)) {
    return refused(
      "the directory of one tenant is inside that of another (super.tenant.repository.path, " +
        "tenant.repository.path), which artifact.publish=symlink would take away",
    );
  }
  return { kind: "path", path, applicationPath };
}

function isNested({ superTenantPath, tenantPath }: RepositoryPathSettings): boolean {
  const [own, others] = [superTenantPath, tenantPath].map((path) =>
    `${withoutTrailingSlash(join("/", path))}/`.replace(/^\/\//, "/")
  ) as [string, string];
  const isOfTenant = own.startsWith(others) && /^-?\d+\//.test(own.slice(others.length));
  return others.startsWith(own) || isOfTenant;
}

function relativePath(settings: RepositoryPathSettings, tenantId: number): string {
  if (!settings.multiTenant) return ".";
  if (tenantId === superTenantId) return settings.superTenantPath;
  return `${settings.tenantPath}/${tenantId}`;
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

function refused(reason: string): RepositoryPath {
  return { kind: "refused", reason };
}
