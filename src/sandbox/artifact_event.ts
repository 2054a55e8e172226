import type { Secret } from "../base/secret.ts";
import type { PlatformEvent } from "./platform_events.ts";
import { encryptRepositoryPassword } from "./repository_password.ts";

/** The repository that a tenant signed up with. */
export interface TenantRepository {
  /** A string in this event, a number in all others. Default `-1234`, the super tenant. */
  readonly tenantId?: string;
  readonly url: string;
  readonly username?: string;
  readonly password?: Secret;
}

/**
 * Fields of one ArtifactUpdatedEvent to be sent as they are; `null` leaves a field out.
 *
 * `repoPassword` is what is on the wire: encrypted, or whatever a test wants it to be.
 */
export interface ArtifactOverrides {
  readonly clusterId?: string | null;
  readonly status?: string | null;
  readonly repoUserName?: string | null;
  readonly repoPassword?: string | null;
  readonly repoURL?: string | null;
  readonly tenantId?: string | null;
  readonly commitEnabled?: boolean;
}

/**
 * ArtifactUpdatedEvent as the stratos manager sends it for a tenant's repository.
 *
 * @param cartridgeKey Needed when the repository has a password.
 */
export function artifactUpdated(
  clusterId: string,
  repository: TenantRepository | undefined,
  cartridgeKey: Secret | undefined,
  overrides: ArtifactOverrides = {},
): PlatformEvent {
  const password = repository?.password;
  return {
    topic: "instance/notifier/ArtifactUpdatedEvent",
    payload: {
      clusterId,
      ...(repository === undefined ? {} : {
        repoUserName: repository.username ?? "",
        ...(password && cartridgeKey
          ? { repoPassword: encryptRepositoryPassword(password, cartridgeKey) }
          : {}),
        repoURL: repository.url,
        tenantId: repository.tenantId ?? "-1234",
      }),
      commitEnabled: false, // the platform never sends anything else
      ...overrides,
    },
  };
}
