import { withoutUserInfo } from "../base/url_user_info.ts";
import type { Effect } from "./effect.ts";

/** One line of text for an effect, without secrets: what `replay` prints. */
export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case "runExtension":
      return `extension ${effect.event} [${effect.lane}]`;
    case "publish":
      return `publish ${effect.status}`;
    case "remember":
      return `remember ${JSON.stringify(effect.remembered)}`;
    case "checkOut":
      return `checkOut ${withoutUserInfo(effect.source.repoUrl)} [${effect.lane}]`;
    case "removeArtifacts":
      return `removeArtifacts [${effect.lane}]`;
    case "subscribe":
      return `subscribe ${effect.group}`;
    case "request":
    case "answered":
      return `${effect.kind} ${effect.what}`;
    case "startUpdates":
      return `startUpdates ${effect.tenantId}`;
    case "log":
      return `${effect.level}: ${effect.message}`;
    case "awaitPorts":
    case "startHealth":
    case "startLogs":
    case "cancelWork":
    case "forgetSession":
      return effect.kind;
  }
}
