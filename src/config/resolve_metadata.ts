import { agentFields } from "./agent_fields.ts";
import type { MetadataConfig } from "./agent_config.ts";
import { payloadFields } from "./payload_fields.ts";
import { defined, type SettingReader } from "./reader.ts";
import { absolutePath } from "./resolve_peers.ts";

/** The section of the metadata service. */
export function metadataConfig(reader: SettingReader): MetadataConfig {
  return {
    ...defined({
      url: reader.value(agentFields.metadataUrl),
      token: reader.value(payloadFields.token),
    }),
    tls: {
      ...defined({ caFile: absolutePath(reader, agentFields.metadataTlsCaFile) }),
      verify: reader.value(agentFields.metadataTlsVerify),
      verifyName: reader.value(agentFields.metadataTlsVerifyName),
    },
  };
}
