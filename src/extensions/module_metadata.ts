import { reasonOf } from "../base/errors.ts";
import type { ModuleManifest } from "./module_manifest.ts";
import type { MetadataAnswer, MetadataRequest } from "./module_messages.ts";

/** The metadata service as modules may use it. Every method rejects with a reason when it failed. */
export interface ModuleMetadataPort {
  /** All properties of a scope, values by name. */
  get(
    scope: "application" | "cluster",
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Writes one property. */
  put(
    scope: "application" | "cluster",
    key: string,
    values: readonly string[],
    signal: AbortSignal,
  ): Promise<void>;
  /** Deletes one value of a property of the application; resolves to whether there was one. */
  delete(key: string, value: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * Does for a module what it wants of the metadata service. The module never sees the token: the agent
 * asks. Never rejects.
 *
 * @param port Absent: there is no metadata service.
 */
export async function answerMetadata(
  request: MetadataRequest,
  { name, abilities }: Pick<ModuleManifest, "name" | "abilities">,
  port: ModuleMetadataPort | undefined,
  signal: AbortSignal,
): Promise<MetadataAnswer> {
  if (!abilities.includes("metadata")) {
    return failed(`the module.json of ${name} does not ask for the permission "metadata"`);
  }
  if (!port) return failed("there is no metadata service: metadata.service.url is not set");
  try {
    return { kind: "done", value: await carryOut(request, port, signal) };
  } catch (error) {
    return failed(reasonOf(error));
  }
}

async function carryOut(
  request: MetadataRequest,
  port: ModuleMetadataPort,
  signal: AbortSignal,
): Promise<unknown> {
  switch (request.kind) {
    case "get":
      return await port.get(request.scope, signal);
    case "put":
      return await port.put(request.scope, request.key, request.values, signal);
    case "delete":
      return await port.delete(request.key, request.value, signal);
  }
}

function failed(reason: string): MetadataAnswer {
  return { kind: "failed", reason };
}
