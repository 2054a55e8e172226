import { withoutUserInfo } from "../base/url_user_info.ts";
import { ownNames } from "./environment.ts";
import type { ExtensionValues } from "./values.ts";

const secretName = /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|(^|_)KEY$/i;

/** Whether a module, which may have the network, is not told a value of this name. */
export function isWithheld(name: string): boolean {
  return ownNames.has(name) || secretName.test(name);
}

/**
 * The values of a run as a module is told them: names without `STRATOS_`, no secrets by name, no
 * user information in URLs, and no documents, which it can ask for.
 */
export function moduleValues({ texts }: ExtensionValues): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...texts].map(([name, value]) => [name.replace(/^STRATOS_/, ""), withoutUserInfo(value)])
      .filter(([name]) => !isWithheld(name!)),
  );
}

/** The event's own values, with the same left out. */
export function moduleEventValues(
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return moduleValues({ texts: new Map(Object.entries(values)), documents: new Map(), args: [] });
}
