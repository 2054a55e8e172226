import { cannot } from "../base/errors.ts";

/** Whose properties: those of the application, or of the own cluster, known by its cartridge alias. */
export type MetadataScope = "application" | "cluster";

/** Whose metadata it is. */
export interface MetadataOwner {
  /** The setting metadata.service.url; what stands in its path goes before everything else. */
  readonly url: string;
  readonly applicationId: string;
  /** CARTRIDGE_ALIAS; without one there are no properties of the cluster. */
  readonly cartridgeAlias?: string;
}

/**
 * Where the properties of a scope are read and written.
 *
 * @throws AgentError `configuration` when there is no cartridge alias or the URL is none.
 */
export function propertiesUrl(owner: MetadataOwner, scope: MetadataScope): URL {
  const path = ["metadata", "api", "applications", segment(owner.applicationId, "APPLICATION_ID")];
  if (scope === "cluster") {
    if (owner.cartridgeAlias === undefined) {
      throw cannot("find the properties of", "cluster", "CARTRIDGE_ALIAS is not set", {
        kind: "configuration",
      });
    }
    path.push("clusters", segment(owner.cartridgeAlias, "CARTRIDGE_ALIAS"));
  }
  return below(owner.url, [...path, "properties"]);
}

/**
 * Where one value of an application's property is deleted.
 *
 * @throws AgentError `usage` for a key or value that no path can name.
 */
export function valueUrl(owner: MetadataOwner, key: string, value: string): URL {
  const { href } = propertiesUrl(owner, "application");
  return new URL(`${href}/${segment(key, "the key")}/value/${segment(value, "the value")}`);
}

function below(base: string, segments: readonly string[]): URL {
  const url = URL.parse(base);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw cannot("use", "metadata.service.url", "it is not set to an http or https URL", {
      kind: "configuration",
    });
  }
  const path = `${url.pathname.replace(/\/+$/, "")}/${segments.join("/")}`;
  // Not resolved against the origin: a path that begins with two slashes would name another host.
  return new URL(`${url.origin}${path}`);
}

/** Names and values are anything; in a path all but letters, digits and `-_.!~*'()` is encoded. */
function segment(text: string, what: string): string {
  // A URL with such a part means its parent, even when the dots are encoded.
  if (text === "" || text === "." || text === "..") {
    throw cannot("name in a URL", what, `"${text}" cannot stand in a path`, { kind: "usage" });
  }
  if (!text.isWellFormed()) {
    throw cannot("name in a URL", what, "it is no valid Unicode", { kind: "usage" });
  }
  return encodeURIComponent(text);
}
