import { isHost, isIpv4, isIpv6 } from "./host_port.ts";
import { listOf, matching, type ValueType, webUrl, wholeNumber } from "./value_types.ts";

const portList = listOf(wholeNumber(1, 65535), "|", "ports separated by |, each 1 to 65535");

/** PORTS: container ports; each once, in the order given. */
export const applicationPorts: ValueType<readonly number[]> = {
  accepted: portList.accepted,
  parse: (text) => {
    const parsed = portList.parse(text);
    return "refused" in parsed ? parsed : { value: [...new Set(parsed.value)] };
  },
};

/**
 * REPO_URL: artifacts may come from its host and the agent may connect to it, so this must be one host;
 * URLs take more than that, even `*`.
 */
export const repositoryUrl: ValueType<URL> = {
  ...webUrl,
  parse: (text) => {
    const parsed = webUrl.parse(text);
    if ("refused" in parsed) return parsed;
    const host = parsed.value.hostname.replace(/^\[|\]$/g, "");
    return isHost(host) ? parsed : { refused: "has no valid host" };
  },
};

/** `ssh://[user@]host[:port]/path` or `[user@]host:path`. */
const sshAddress =
  /^(?:ssh:\/\/(?:[^@/\s]+@)?([^@/\s]+)\/|(?:[^@:/\s]+@)?([^@:/\s]+):(?!\/\/))[^\s]+$/i;

/**
 * The host and port of a REPO_URL that is reached over SSH, as an `ssh:` URL; `undefined` when the text
 * is no such address.
 */
export function sshRepository(text: string): URL | undefined {
  const match = sshAddress.exec(text.trim());
  const url = match && URL.parse(`ssh://${match[1] ?? match[2] ?? ""}/`);
  const host = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  return url && isHost(host) ? url : undefined;
}

/** A virtual address of a Linux virtual server. */
export interface VirtualIp {
  readonly ip: string;
  readonly subnetMask: string;
}

/** LVS_VIRTUAL_IP: `ip|mask`. */
export const virtualIp: ValueType<VirtualIp> = {
  accepted: "ip|mask, e.g. 192.168.0.40|255.255.255.0",
  parse: (text) => {
    const [ip = "", subnetMask = "", ...rest] = text.split("|").map((part) => part.trim());
    if (rest.length > 0) return { refused: "has more than two parts" };
    if (!isIpv4(ip) && !isIpv6(ip)) return { refused: "does not begin with an IP address" };
    const isPrefix = /^[0-9]{1,3}$/.test(subnetMask) && Number(subnetMask) <= 128;
    if (isIpv4(subnetMask) || isIpv6(subnetMask) || isPrefix) return { value: { ip, subnetMask } };
    return { refused: "does not end with a subnet mask" };
  },
};

/** One volume of PERSISTENCE_MAPPING. */
export interface VolumeMapping {
  readonly device: string;
  readonly volumeId?: string;
  readonly mountPath: string;
}

/**
 * Reads PERSISTENCE_MAPPING: `device|volumeId|mountPath` or `device|mountPath`, repeated.
 *
 * The element after a device is its mount path when it starts with `/`, else the volume id.
 *
 * @returns `undefined` when the text is not of that form.
 */
export function parsePersistenceMapping(text: string): readonly VolumeMapping[] | undefined {
  const elements = text.split("|").map((part) => part.trim());
  const mappings: VolumeMapping[] = [];
  for (let at = 0; at < elements.length;) {
    const device = elements[at++] ?? "";
    const next = elements[at++] ?? "";
    const volumeId = next.startsWith("/") ? undefined : next;
    const mountPath = volumeId === undefined ? next : elements[at++] ?? "";
    if (device === "" || volumeId === "" || !mountPath.startsWith("/")) return undefined;
    mappings.push({ device, ...(volumeId === undefined ? {} : { volumeId }), mountPath });
  }
  return mappings;
}

/** PERSISTENCE_MAPPING, checked and kept as it is: the extension takes it apart. */
export const persistenceMapping: ValueType<string> = {
  accepted: "device|volumeId|mountPath or device|mountPath, repeated; mount paths start with /",
  parse: (text) =>
    parsePersistenceMapping(text)
      ? { value: text }
      : { refused: "has a device without mount path" },
};

/** A name in an environment. */
export const environmentName: ValueType<string> = matching(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  "a name of the environment",
  "is not a name of the environment",
);

/** `module` or `module:permission`. */
export const moduleGrant: ValueType<string> = matching(
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[\x21-\x7e]+)?$/,
  "module or module:permission",
  "is not module or module:permission",
);
