import type { Activity } from "../snapshot.ts";
import { byId, make, marked, type PageElement, type PageEvent, shownDocument } from "./browser.ts";
import { clockText, dayText, durationText } from "./words.ts";

/** As many as the agent itself remembers. */
const mostRows = 500;

const kinds: Readonly<Record<Activity["kind"], string>> = {
  event: "event",
  phase: "phase",
  extension: "script",
  artifacts: "artifacts",
  connection: "connection",
  status: "published",
};

type Filter = readonly [name: string, matches: (activity: Activity) => boolean];
const filters: readonly Filter[] = [
  ["All", () => true],
  ["Events", ({ kind }) => kind === "event"],
  [
    "Scripts",
    ({ kind, effects }) => kind === "extension" || effects.some(startsWith(["extension"])),
  ],
  [
    "Artifacts",
    ({ kind, effects }) =>
      kind === "artifacts" || effects.some(startsWith(["checkOut", "removeArtifacts"])),
  ],
  ["Failed", ({ outcome }) => outcome === "failed"],
];

interface Row {
  readonly element: PageElement;
  readonly summary: PageElement;
  readonly body: PageElement;
  activity: Activity;
}

/** What happened, newest first; each opens to what it led to. */
export class Timeline {
  readonly #list = byId("timeline");
  readonly #rows = new Map<number, Row>();
  #filter: Filter = filters[0]!;

  constructor() {
    const buttons = filters.map((filter) => {
      const button = make("button", "", filter[0]);
      button.setAttribute("type", "button");
      button.addEventListener("click", () => {
        this.#filter = filter;
        press(filter);
        this.#refresh();
      });
      return button;
    });
    const press = (chosen: Filter) =>
      buttons.forEach((button, i) =>
        button.setAttribute("aria-pressed", String(filters[i] === chosen))
      );
    press(this.#filter);
    byId("filters").replaceChildren(...buttons);
    byId("older").addEventListener("click", () => {
      this.#list.className = "timeline all";
      this.#refresh();
    });
    this.#list.addEventListener("keydown", moveBetweenRows);
  }

  /** Another agent answers: what the one before did is over. */
  clear(): void {
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  /** Adds activities, or changes those that are shown. */
  take(activities: readonly Activity[], isNews: boolean): void {
    for (const activity of activities.toSorted((a, b) => a.id - b.id)) {
      const row = this.#rows.get(activity.id);
      if (row) change(row, activity);
      else this.#add(activity, isNews);
    }
    this.#refresh();
  }

  #add(activity: Activity, isNews: boolean): void {
    const summary = make("summary", "row");
    const body = make("div", "body");
    const element = make("li", isNews ? "news" : "", make("details", "", summary, body));
    element.dataset.id = String(activity.id);
    const row = { element, summary, body, activity };
    fill(row);
    let older = this.#list.children[0] ?? null;
    while (older && Number(older.dataset.id) > activity.id) older = older.nextElementSibling;
    this.#list.insertBefore(element, older);
    this.#rows.set(activity.id, row);
    if (this.#rows.size <= mostRows) return;
    const oldest = Math.min(...this.#rows.keys());
    this.#rows.get(oldest)!.element.remove();
    this.#rows.delete(oldest);
  }

  #refresh(): void {
    const [name, matches] = this.#filter;
    let shown = 0;
    for (const { element, activity } of this.#rows.values()) {
      element.hidden = !matches(activity);
      if (!element.hidden) shown++;
    }
    const empty = byId("timeline-empty");
    empty.hidden = shown > 0;
    empty.textContent = this.#rows.size === 0
      ? "Nothing has happened yet. Waiting for the first event of the platform."
      : `Nothing of the kind “${name}” among the last ${this.#rows.size} activities.`;
    byId("older").hidden = shown <= 30 || this.#list.className.includes("all");
  }
}

function change(row: Row, activity: Activity): void {
  if (JSON.stringify(row.activity) === JSON.stringify(activity)) return;
  row.activity = activity;
  fill(row);
}

function fill({ summary, body, activity, element }: Row): void {
  const { kind, effects, outcome, ms, detail, at } = activity;
  element.dataset.outcome = outcome ?? "";
  const time = make("time", "time", clockText(at));
  time.setAttribute("datetime", at);
  summary.replaceChildren(
    time,
    make("span", "kind", kinds[kind] ?? kind),
    make(
      "span",
      "what",
      ...titleParts(activity),
      effects.length === 0 ? undefined : make("span", "effects", effects.join(" · ")),
    ),
    make("span", "outcome", outcomeOf(activity), ms === undefined ? "" : durationText(ms)),
  );
  body.replaceChildren(
    make(
      "p",
      "quiet",
      `Number ${activity.id}, ${dayText(at)}`,
      ms === undefined ? "" : `, took ${durationText(ms)}`,
    ),
    effects.length === 0
      ? make("p", "quiet", "It led to nothing.")
      : make("ul", "", ...effects.map((effect) => make("li", "", effect))),
    ...detail === undefined ? [] : [make("pre", "", detail)],
  );
}

/** An event's name is what the eye looks for, not whom it is about. */
function titleParts({ kind, title }: Activity): readonly PageElement[] {
  const end = kind === "event" ? title.indexOf(" ") : -1;
  if (end < 0) return [make("span", "title", title)];
  return [make("span", "title", title.slice(0, end)), make("span", "about", title.slice(end))];
}

/** Effects whose end is told; what they are for has no outcome, or not the last one, before. */
const awaited = ["extension", "checkOut", "removeArtifacts", "awaitPorts"];

function startsWith(words: readonly string[]): (text: string) => boolean {
  return (text) => words.some((word) => text === word || text.startsWith(`${word} `));
}

function outcomeOf({ outcome, ms, effects }: Activity): PageElement | string {
  if (outcome === "failed") return marked("bad", "failed");
  if (outcome === "cancelled") return marked("idle", "cancelled");
  if (outcome !== "none" && ms === undefined && effects.some(startsWith(awaited))) {
    return marked("busy", "under way");
  }
  return outcome === "succeeded" ? marked("good", "succeeded") : "";
}

/** Arrow keys go from row to row. */
function moveBetweenRows(event: PageEvent): void {
  const { key } = event;
  const forward = key === "ArrowDown" ? true : key === "ArrowUp" ? false : undefined;
  if (forward === undefined) return;
  const summaries = [...shownDocument().querySelectorAll("#timeline > li:not([hidden]) summary")]
    .filter((summary) => summary.getBoundingClientRect().width > 0);
  const place = summaries.indexOf(shownDocument().activeElement!);
  const next = place < 0 ? undefined : summaries[place + (forward ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
