import type { CheckoutDone } from "../../src/artifacts/git_job.ts";
import { Buffer } from "node:buffer";
import { createCipheriv } from "node:crypto";
import { systemClock } from "../../src/base/clock.ts";
import { Redactor } from "../../src/base/redactor.ts";
import { Secret } from "../../src/base/secret.ts";
import type { ArtifactsConfig } from "../../src/config/agent_config.ts";
import type { ArtifactSource } from "../../src/artifacts/artifact_source.ts";
import { ArtifactSync, type ArtifactSyncOptions } from "../../src/artifacts/artifact_sync.ts";
import { type MemoryLog, memoryLog } from "../memory_log.ts";
import { canaryPassword, type Playground, repository, username } from "./playground.ts";

/** What a job that published three files reports. */
export const done: CheckoutDone = {
  kind: "published",
  commit: "c".repeat(40),
  files: 3,
  changed: true,
  receivedBytes: 1,
  notes: {
    localChanges: { count: 0, first: [] },
    symbolicLinks: { count: 0, first: [] },
    submodules: { count: 0, first: [] },
    largeFilePointers: { count: 0, first: [] },
    collisions: { count: 0, first: [] },
    strayGitDirectory: false,
    recordLost: false,
    remoteBecameEmpty: false,
  },
};

export const cartridgeKey = "tvnw63ufg9gh5111";

/** As the platform encrypts. */
export function encrypted(password: string): string {
  const cipher = createCipheriv("aes-128-ecb", cartridgeKey, null);
  return Buffer.concat([cipher.update(password), cipher.final()]).toString("base64");
}

/** Configuration of a single-tenant application in the playground. */
export function configFor(
  playground: Playground,
  changes: Partial<ArtifactsConfig> = {},
): ArtifactsConfig {
  return {
    applicationPath: playground.app,
    multiTenant: false,
    tenantId: 1,
    superTenantPath: "/repository/deployment/server/",
    tenantPath: "/repository/tenants/",
    cartridgeKey: new Secret(cartridgeKey),
    allowedHosts: [playground.remote.address],
    publish: "files",
    engine: "isomorphic",
    update: true,
    autoCheckout: true,
    autoCommit: false,
    updateIntervalMs: 15_000,
    cloneRetries: 5,
    cloneRetryIntervalMs: 10_000,
    backupInitial: false,
    limits: { bytes: 100_000_000, files: 10_000, timeoutMs: 60_000 },
    ...changes,
  };
}

export function sourceFor(
  playground: Playground,
  changes: Partial<ArtifactSource> = {},
): ArtifactSource {
  return {
    tenantId: 1,
    repoUrl: playground.remote.url(repository),
    repoUsername: username,
    repoPassword: encrypted(canaryPassword),
    ...changes,
  };
}

/** A sync over a playground, with a log and the redactor that an agent has. */
export function openSync(
  playground: Playground,
  config: Partial<ArtifactsConfig> = {},
  options: Partial<ArtifactSyncOptions> = {},
): { sync: ArtifactSync; log: MemoryLog; redactor: Redactor } {
  const log = memoryLog("artifacts");
  const redactor = new Redactor();
  const sync = new ArtifactSync({
    config: configFor(playground, config),
    stateDir: playground.stateDir,
    log,
    clock: systemClock,
    random: () => 0.5,
    addSecret: (secret) => redactor.add(secret),
    ...options,
  });
  return { sync, log, redactor };
}

/** A server that takes requests and never answers, until it is closed. */
export class SilentServer implements AsyncDisposable {
  readonly arrived = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  readonly #server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async () => {
      this.arrived.resolve();
      await this.#released.promise;
      return new Response("late");
    },
  );

  get address(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  get url(): string {
    return `http://${this.address}/silent.git`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#released.resolve();
    await this.#server.shutdown();
  }
}
