import type { ExtensionStatus, StatusSnapshot } from "../snapshot.ts";
import { byId, type ChangingParts, make, marked, type PageElement } from "./browser.ts";
import { clockText, countText, dayText, durationText, manyText } from "./words.ts";

/** Shows what is folded: configuration, permissions, counters. */
export function showFolds(snapshot: StatusSnapshot, parts: ChangingParts): void {
  const { configuration, permissions, counters } = snapshot;
  byId("settings-count").textContent = manyText(configuration.length, "setting");
  parts.show(byId("settings"), configuration, () => [
    table(
      ["Setting", "Value", "From"],
      configuration.map(({ key, value, from }) => [key, value, from]),
    ),
  ]);
  const granted = Object.entries(permissions).flatMap((
    [kind, values]: [string, readonly string[]],
  ) => values.map((value) => [kind, value]));
  byId("permissions-count").textContent = manyText(granted.length, "grant");
  parts.show(byId("permissions"), granted, () => [
    granted.length === 0
      ? make("p", "empty", "Nothing is granted.")
      : table(["Kind", "Granted"], granted),
  ]);
  const counts = [
    ...Object.entries(counters.events).map(([kind, count]) => [`Events: ${kind}`, count] as const),
    ...Object.entries(counters.checkouts).map(([how, count]) =>
      [`Checkouts: ${how}`, count] as const
    ),
    ["Status events acknowledged", counters.acknowledged] as const,
    ["Health bundles dropped", counters.healthDropped] as const,
  ];
  parts.show(byId("counters"), counts, () => [
    table(["What", "How often"], counts.map(([what, count]) => [what, countText(count)])),
  ]);
}

/** A table that scrolls by itself when it is wider than the page. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): PageElement {
  const head = heads.map((text) => {
    const cell = make("th", "", text);
    cell.setAttribute("scope", "col");
    return cell;
  });
  const body = rows.map((row) => make("tr", "", ...row.map((text) => make("td", "", text))));
  return make(
    "table",
    "",
    make("thead", "", make("tr", "", ...head)),
    make("tbody", "", ...body),
  );
}

interface ScriptRow {
  readonly element: PageElement;
  readonly summary: PageElement;
  readonly body: PageElement;
}

/** The last run of each script; each opens to its output and stays open while others run. */
export class Scripts {
  readonly #rows = new Map<string, ScriptRow>();
  readonly #parts: ChangingParts;

  constructor(parts: ChangingParts) {
    this.#parts = parts;
  }

  /** Shows these, in this order. */
  show(extensions: readonly ExtensionStatus[]): void {
    const list = byId("scripts");
    byId("scripts-empty").hidden = extensions.length > 0;
    const keys = extensions.map(({ event, script }) => `${event}\n${script}`);
    for (const [key, { element }] of this.#rows) {
      if (keys.includes(key)) continue;
      element.remove();
      this.#rows.delete(key);
    }
    extensions.forEach((extension, i) => {
      const row = this.#rowOf(keys[i]!);
      const { output, ...rest } = extension;
      this.#parts.show(row.summary, rest, () => summaryOf(extension));
      this.#parts.show(row.body, [rest, output], () => bodyOf(extension));
      // Moving an element closes nothing, yet takes the focus away.
      if (list.children[i] !== row.element) {
        list.insertBefore(row.element, list.children[i] ?? null);
      }
    });
  }

  #rowOf(key: string): ScriptRow {
    const known = this.#rows.get(key);
    if (known) return known;
    const summary = make("summary", "row");
    const body = make("div", "body");
    const row = { element: make("li", "", make("details", "", summary, body)), summary, body };
    this.#rows.set(key, row);
    return row;
  }
}

function summaryOf({ event, script, at, status, ms, runs, failures }: ExtensionStatus) {
  const time = make("time", "time", clockText(at));
  time.setAttribute("datetime", at);
  return [
    time,
    make("span", "kind", failures === 0 ? manyText(runs, "run") : `${failures} of ${runs} failed`),
    make("span", "what", make("span", "title", event), make("span", "effects", script)),
    make(
      "span",
      "outcome",
      status === 0
        ? marked("good", "exit status 0")
        : marked("bad", typeof status === "number" ? `exit status ${status}` : status),
      durationText(ms),
    ),
  ];
}

function bodyOf({ at, ms, output }: ExtensionStatus): readonly PageElement[] {
  return [
    make("p", "quiet", `${dayText(at)}, took ${durationText(ms)}`),
    output.length === 0
      ? make("p", "quiet", "It wrote nothing.")
      : make("pre", "", output.join("\n")),
  ];
}
