import type {
  ArtifactStatus,
  LaneStatus,
  LogFollowerStatus,
  LogStatus,
  ReceiverStatus,
  StatusSnapshot,
} from "../snapshot.ts";
import {
  ageSince,
  byId,
  type ChangingParts,
  make,
  type Mark,
  marked,
  type PageElement,
} from "./browser.ts";
import { ageText, bytesText, clockText, countText, durationText, manyText } from "./words.ts";

/** Shows the lists beside the timeline. */
export function showPanels(snapshot: StatusSnapshot, parts: ChangingParts): void {
  const { artifacts, lanes, receivers, logs } = snapshot;
  const list = <T>(
    id: string,
    values: readonly T[],
    item: (value: T) => PageElement,
    empty: string,
  ) =>
    parts.show(
      byId(id),
      values,
      () =>
        values.length === 0
          ? [make("p", "empty", empty)]
          : [make("ul", "items", ...values.map(item))],
    );
  list("artifacts", artifacts, artifactItem, "None yet. Waiting for an artifact event.");
  list("lanes", lanes, laneItem, "No work runs or waits.");
  list("receivers", receivers, receiverItem, "No receiver is configured.");
  parts.show(byId("logs"), logs, () => logParts(logs));
}

/** Title at the left, state at the right, facts below. */
function item(
  title: string,
  state: PageElement | undefined,
  ...facts: readonly (PageElement | string | undefined)[]
): PageElement {
  const shown = facts.filter((fact) => fact !== undefined && fact !== "");
  return make(
    "li",
    "",
    make("div", "itemhead", make("span", "title", title), state),
    ...shown.map((fact) => typeof fact === "string" ? make("p", "quiet", fact) : fact),
  );
}

const artifactStates: Readonly<Record<ArtifactStatus["state"], readonly [Mark, string]>> = {
  none: ["idle", "nothing yet"],
  working: ["busy", "working"],
  inStep: ["good", "in step"],
  failed: ["bad", "failed"],
  removed: ["idle", "removed"],
};

function artifactItem(artifact: ArtifactStatus): PageElement {
  const { tenantId, repository, destination, state, branch, commit, files, lastSyncAt } = artifact;
  const { lastError, progress, conflictRefs } = artifact;
  const where = [
    branch?.replace(/^refs\/heads\//, ""),
    commit?.slice(0, 10),
    files === undefined ? undefined : manyText(files, "file"),
  ].filter((fact) => fact !== undefined);
  return item(
    `Tenant ${tenantId}`,
    marked(...artifactStates[state] ?? ["idle", state]),
    repository === undefined ? undefined : make("p", "path", repository),
    make("p", "path", `→ ${destination}`),
    where.join(" · "),
    progress && progressBar(progress),
    lastSyncAt === undefined ? undefined : `Synchronized ${clockText(lastSyncAt)}`,
    conflictRefs.length === 0
      ? undefined
      : make("p", "trouble", marked("warn", "conflicts kept under "), conflictRefs.join(", ")),
    trouble(lastError),
  );
}

function progressBar(progress: NonNullable<ArtifactStatus["progress"]>): PageElement {
  const { phase, objects, objectsTotal, bytes, files, filesTotal } = progress;
  const ofFiles = phase === "writing" || phase === "publishing";
  const [done, total] = ofFiles ? [files, filesTotal] : [objects, objectsTotal];
  const what = ofFiles ? "files" : "objects";
  const bar = make("progress", "");
  bar.setAttribute("aria-label", `${phase} ${what}`);
  if (done !== undefined && total) {
    bar.setAttribute("max", String(total));
    bar.setAttribute("value", String(done));
  }
  const count = done === undefined
    ? undefined
    : total
    ? `${countText(done)} of ${countText(total)} ${what}`
    : `${countText(done)} ${what}`;
  const words = [phase, count, bytes && !ofFiles ? bytesText(bytes) : undefined];
  return make("div", "progress", bar, make("p", "quiet", words.filter((w) => w).join(" · ")));
}

function laneItem({ name, depth, running, runningMs, stuck }: LaneStatus): PageElement {
  const state = stuck
    ? marked("bad", "stuck")
    : running === undefined
    ? marked("idle", "waiting")
    : marked("busy", "running");
  const since = runningMs === undefined ? "" : ` for ${ageText(runningMs)}`;
  return item(
    name,
    state,
    `${manyText(depth, "job")}${running === undefined ? "" : `, ${running}${since}`}`,
  );
}

const receiverStates: Readonly<Record<string, readonly [Mark, string]>> = {
  untried: ["idle", "not tried yet"],
  up: ["good", "up"],
  unreachable: ["bad", "unreachable"],
  refusing: ["bad", "refusing"],
};

function receiverItem(receiver: ReceiverStatus): PageElement {
  const { purpose, url, state, sessionAgeMs, sent, failed, lastError } = receiver;
  const session = sessionAgeMs === undefined ? "" : ` · session ${durationText(sessionAgeMs)}`;
  const known = Object.hasOwn(receiverStates, state) ? receiverStates[state] : undefined;
  return item(
    `${purpose === "health" ? "Health" : "Log lines"} to ${url}`,
    marked(...known ?? ["idle", state]),
    `${countText(sent)} sent · ${countText(failed)} failed${session}`,
    trouble(lastError),
  );
}

function logParts(logs: LogStatus): readonly PageElement[] {
  const { enabled, followers, linesRead, linesSent, linesConfirmed } = logs;
  const { missedFiles, missedBytes } = logs;
  if (!enabled) return [make("p", "empty", "Log files are not followed: it is not configured.")];
  if (followers.length === 0) {
    return [make("p", "empty", "No log file yet. Followed from the activation on.")];
  }
  const missed = `${manyText(missedFiles, "file")}, ${bytesText(missedBytes)} missed in rotations`;
  return [
    make(
      "p",
      "quiet",
      `Lines: ${countText(linesRead)} read · ${countText(linesSent)} sent · ` +
        `${countText(linesConfirmed)} confirmed`,
    ),
    ...missedFiles === 0 ? [] : [make("p", "", marked("warn", missed))],
    make("ul", "items", ...followers.map(followerItem)),
  ];
}

function followerItem({ path, rotated, position, sizeBytes, lagBytes }: LogFollowerStatus) {
  return item(
    path,
    lagBytes === 0 ? marked("good", "caught up") : marked("busy", `${bytesText(lagBytes)} behind`),
    `${bytesText(position)} of ${bytesText(sizeBytes)} read`,
    rotated ? "Renamed by a rotation; it is read to its end." : undefined,
  );
}

function trouble(text: string | undefined): PageElement | undefined {
  return text === undefined ? undefined : make("p", "trouble", text);
}

/** Shows the facts under the lifecycle. */
export function showFacts(snapshot: StatusSnapshot, parts: ChangingParts): void {
  const { readiness, broker, outbox, agent } = snapshot;
  parts.show(byId("facts"), [readiness, broker, outbox, agent], () => [
    fact(
      "Readiness",
      readiness.ready ? marked("good", "Ready") : marked("bad", "Not ready"),
      ...readiness.reasons.map((reason) => make("p", "trouble", reason)),
    ),
    fact(
      "Message broker",
      broker.connected ? marked("good", "Connected") : marked("bad", "Not connected"),
      broker.url === undefined ? undefined : make("p", "path", broker.url),
      broker.since === undefined ? undefined : make("p", "quiet", ageSince(broker.since, "for ")),
      broker.reconnects === 0
        ? undefined
        : make("p", "quiet", manyText(broker.reconnects, "reconnection")),
      trouble(broker.lastError),
    ),
    fact(
      "Outbox",
      outbox.waiting === 0
        ? marked("good", "Empty")
        : marked("busy", `${manyText(outbox.waiting, "event")} waiting`),
      make(
        "p",
        "quiet",
        outbox.oldestMs === undefined || outbox.waiting === 0
          ? "every status event is acknowledged"
          : `the oldest for ${ageText(outbox.oldestMs)}`,
      ),
    ),
    fact(
      "Agent",
      make("span", "state", ageSince(agent.startedAt, "Up ")),
      make("p", "quiet", `${bytesText(agent.memoryBytes)} of memory · process ${agent.pid}`),
    ),
  ]);
}

function fact(name: string, ...parts: readonly (PageElement | undefined)[]): PageElement {
  return make("div", "", make("dt", "", name), make("dd", "", ...parts));
}
