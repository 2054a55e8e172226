/**
 * Tells a web service of the events that `module.json` subscribes to.
 *
 * To use it: put the address into `settings.url`, its host and port into `permissions.net`, and
 * `web-hook,web-hook:net` into `extension.modules.allow` of agent.conf.
 */
import type { HandleEvent } from "cartridge-agent/extension";

/** Posts one JSON object with the event's name, its values and the member it happened to. */
export const handle: HandleEvent = async ({ name, values }, context) => {
  const url = context.settings["url"];
  if (url === undefined) throw new Error('module.json has no "url" in its settings');
  const { MEMBER_ID, CLUSTER_ID, SERVICE_NAME } = context.values;
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ event: name, values, MEMBER_ID, CLUSTER_ID, SERVICE_NAME }),
    // A redirect could only lead to a host that is not permitted.
    redirect: "error",
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${new URL(url).host} answers ${response.status}`);
  context.log.info(`${new URL(url).host} was told of ${name}`);
};
