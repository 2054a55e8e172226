import { Secret } from "../base/secret.ts";
import type { AgentConfig } from "./agent_config.ts";
import { isConfidential } from "./resolve_peers.ts";
import { isSecretName } from "./shown_value.ts";

/** A shorter launch parameter is more likely a word of the language than a secret. */
const leastParameterLength = 8;

/**
 * Every secret that a configuration holds, for the redactor; each value once.
 *
 * The password that receivers have as shipped is none: hiding `admin` would garble the logs. Of
 * launch parameters, those count whose name says so, as well as the credentials in REPO_URL.
 */
export function secretsOf(config: AgentConfig): Secret[] {
  const values = new Set<string>();
  const passwords = [config.cep.password, config.logPublisher.password].filter(isConfidential);
  const others = [config.broker.password, config.artifacts.cartridgeKey, config.metadata.token];
  for (const secret of [...passwords, ...others]) if (secret) values.add(secret.open());
  for (const [name, value] of Object.entries(config.launchParameters)) {
    if (isSecretName(name) && value.length >= leastParameterLength) values.add(value);
  }
  for (const value of credentialsIn(config.launchParameters["REPO_URL"])) values.add(value);
  values.delete("");
  return [...values].map((value) => new Secret(value));
}

/** Password of a URL, as written and decoded; without one the user name, which is then a token. */
function credentialsIn(text: string | undefined): readonly string[] {
  const url = text === undefined ? undefined : URL.parse(text);
  if (!text || !url) return [];
  const written = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)@/i.exec(text.trim())?.[1] ?? "";
  const colon = written.indexOf(":");
  const asWritten = colon >= 0 && colon < written.length - 1 ? written.slice(colon + 1) : written;
  const encoded = url.password === "" ? url.username : url.password;
  return [asWritten, encoded, decoded(encoded)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
