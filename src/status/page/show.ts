import type { Activity, StatusSnapshot } from "../snapshot.ts";
import { byId, ChangingParts, make, mark, showAges, shownDocument } from "./browser.ts";
import { Chart } from "./chart.ts";
import { Scripts, showFolds } from "./folds.ts";
import { follow } from "./follow.ts";
import { phaseWords, showLifecycle } from "./lifecycle_strip.ts";
import { showFacts, showPanels } from "./panels.ts";
import { Timeline } from "./timeline.ts";
import { ageText, clockText, zoneText } from "./words.ts";

/** How long it is said that the agent is back. */
const backMs = 30_000;

/** The whole page: what the agent says, and whether it says anything. */
class StatusPage {
  readonly #parts = new ChangingParts();
  readonly #timeline = new Timeline();
  readonly #scripts = new Scripts(this.#parts);
  readonly #memory = new Chart("Memory", "% of what there is");
  readonly #load = new Chart("Load", "% of the processors");
  #snapshot: StatusSnapshot | undefined;
  /** The agent's clock less the browser's, in milliseconds. */
  #aheadMs = 0;
  #heardMs = Date.now();
  /** Since when the agent is gone, and why it is thought so. */
  #gone: { readonly sinceMs: number; readonly reason: string } | undefined;
  #back: { readonly atMs: number; readonly text: string } | undefined;

  constructor() {
    byId("health").append(this.#memory.element, this.#load.element);
    byId("zone").textContent = `Times are ${zoneText(Date.now())}`;
  }

  onSnapshot(snapshot: StatusSnapshot): void {
    const { agent, lifecycle, health, activity, extensions } = snapshot;
    const before = this.#snapshot;
    const isAnother = before !== undefined &&
      (before.agent.startedAt !== agent.startedAt || before.agent.pid !== agent.pid);
    this.#aheadMs = Date.parse(snapshot.at) - Date.now();
    if (isAnother) this.#timeline.clear();
    this.#isBack(isAnother ? `It was started anew (process ${agent.pid}).` : "");
    byId("main").dataset.state = "live";
    byId("service").textContent = agent.serviceName || "Cartridge agent";
    byId("member").replaceChildren(
      ...identity(snapshot).flatMap(([name, value]) => [
        make("span", "", `${name} `, make("b", "", value)),
      ]),
    );
    byId("version").textContent = `Cartridge agent ${agent.version}, Deno ${agent.deno}`;
    shownDocument().title = `${phaseWords(lifecycle.phase)} – ${agent.serviceName}`;
    showLifecycle(snapshot, this.#parts);
    showFacts(snapshot, this.#parts);
    showPanels(snapshot, this.#parts);
    showFolds(snapshot, this.#parts);
    this.#timeline.take(activity, before !== undefined && !isAnother);
    this.#scripts.show(extensions);
    this.#showHealth(health, Date.parse(snapshot.at));
    this.#snapshot = snapshot;
    this.tick();
  }

  onActivity(activity: Activity): void {
    this.#timeline.take([activity], true);
  }

  onWord(): void {
    this.#heardMs = Date.now();
  }

  onGone(reason: string): void {
    this.#back = undefined;
    this.#gone = { sinceMs: this.#gone?.sinceMs ?? this.#heardMs, reason };
    byId("main").dataset.state = this.#snapshot ? "gone" : "waiting";
    if (this.#snapshot) shownDocument().title = `Gone – ${this.#snapshot.agent.serviceName}`;
    this.tick();
  }

  /** Once a second: what counts goes on. */
  tick(): void {
    const nowMs = Date.now();
    // What is shown of an agent that is gone stands still.
    if (!this.#gone) showAges(nowMs + this.#aheadMs);
    if (this.#back && nowMs - this.#back.atMs > backMs) this.#back = undefined;
    const isLive = !this.#gone && this.#snapshot !== undefined;
    this.#parts.show(
      byId("link"),
      isLive ? "live" : this.#gone ? "gone" : "asking",
      () =>
        isLive
          ? [mark("good"), "Live"]
          : this.#gone
          ? [mark("bad"), this.#snapshot ? "Gone" : "No answer"]
          : [mark("busy"), "Asking the agent"],
    );
    byId("link").className = `link ${isLive ? "good" : this.#gone ? "bad" : "busy"}`;
    this.#showNotice(nowMs);
  }

  #showNotice(nowMs: number): void {
    const notice = byId("notice");
    notice.hidden = !this.#gone && !this.#back;
    notice.className = this.#gone ? "notice bad" : "notice good";
    // A reader is told once, not every second: what counts stands outside of what is announced.
    this.#parts.show(notice, this.#gone ?? this.#back, () => {
      if (!this.#gone) return [mark("good"), make("span", "", this.#back?.text ?? "")];
      const { sinceMs, reason } = this.#gone;
      const since = `since ${clockText(sinceMs)}`;
      const [what, rest] = this.#snapshot
        ? ["The agent is gone", "Below is what it said last; it is asked again every 2 s."]
        : ["The agent does not answer", "It is asked again every 2 s."];
      const age = make("span", "gonefor");
      age.setAttribute("aria-hidden", "true");
      return [
        mark("bad"),
        make("span", "", make("strong", "", `${what} ${since}`), age, `: ${reason}. ${rest}`),
      ];
    });
    const age = notice.querySelector(".gonefor");
    if (age && this.#gone) age.textContent = ` (${ageText(nowMs - this.#gone.sinceMs)})`;
  }

  #isBack(how: string): void {
    const nowMs = Date.now();
    if (this.#gone && this.#snapshot) {
      const away = ageText(nowMs - this.#gone.sinceMs);
      const text = `The agent is back since ${clockText(nowMs)}; it was gone for ${away}. ${how}`;
      this.#back = { atMs: nowMs, text: text.trim() };
    }
    this.#gone = undefined;
  }

  #showHealth({ enabled, samples }: StatusSnapshot["health"], nowMs: number): void {
    const values = (key: "memoryPercent" | "loadPercent") =>
      samples.flatMap((sample) => {
        const percent = sample[key];
        return percent === undefined ? [] : [{ timeMs: Date.parse(sample.at), percent }];
      });
    const [memory, load] = [values("memoryPercent"), values("loadPercent")];
    const isEmpty = memory.length === 0 && load.length === 0;
    byId("health").hidden = isEmpty;
    const empty = byId("health-empty");
    empty.hidden = !isEmpty;
    empty.textContent = enabled
      ? "Waiting for the first measurement."
      : "Nothing is measured: health statistics are off in the configuration.";
    this.#memory.show(memory, nowMs);
    this.#load.show(load, nowMs);
  }
}

function identity({ agent }: StatusSnapshot): readonly (readonly [string, string])[] {
  const all = [
    ["member", agent.memberId],
    ["cluster", agent.clusterId],
    ["application", agent.applicationId],
    ["tenant", String(agent.tenantId)],
  ] as const;
  return all.filter(([, value]) => value !== "");
}

/** Begins to show. */
export function show(): void {
  const page = new StatusPage();
  setInterval(() => page.tick(), 1_000);
  // Goes on for as long as the page is open.
  void follow(page);
}
