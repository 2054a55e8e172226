/** What the page uses of a browser; the types of browsers and of Deno do not go together. */
import { ageText } from "./words.ts";

/** Something that a person did on the page. */
export interface PageEvent {
  /** Of a key. */
  readonly key: string;
  /** Of a pointer, from the left edge of the window. */
  readonly clientX: number;
  preventDefault(): void;
}

/** Something that a person can do something on. */
export interface PageTarget {
  addEventListener(name: string, listener: (event: PageEvent) => void): void;
}

/** An element of the page. */
export interface PageElement extends PageTarget {
  className: string;
  textContent: string;
  hidden: boolean;
  readonly dataset: Record<string, string | undefined>;
  readonly children: ArrayLike<PageElement>;
  readonly parentElement: PageElement | null;
  readonly nextElementSibling: PageElement | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  append(...parts: (PageElement | string)[]): void;
  replaceChildren(...parts: (PageElement | string)[]): void;
  insertBefore(part: PageElement, before: PageElement | null): void;
  querySelector(selector: string): PageElement | null;
  getBoundingClientRect(): { readonly left: number; readonly width: number };
  remove(): void;
  focus(): void;
  blur(): void;
}

/** The document. */
export interface PageDocument extends PageTarget {
  title: string;
  readonly activeElement: PageElement | null;
  getElementById(id: string): PageElement | null;
  createElement(name: string): PageElement;
  createElementNS(space: string, name: string): PageElement;
  querySelectorAll(selector: string): Iterable<PageElement>;
}

/** The document that is shown. */
export function shownDocument(): PageDocument {
  return (globalThis as unknown as { readonly document: PageDocument }).document;
}

/** The element of the page's own text that has this id. */
export function byId(id: string): PageElement {
  const element = shownDocument().getElementById(id);
  if (!element) throw new Error(`the page has no "${id}"`);
  return element;
}

/** Makes an element; texts become texts, never markup. */
export function make(
  name: string,
  className: string,
  ...parts: readonly (PageElement | string | undefined)[]
): PageElement {
  const element = shownDocument().createElement(name);
  if (className !== "") element.className = className;
  element.append(...parts.filter((part) => part !== undefined));
  return element;
}

/** Makes an element of a picture. */
export function draw(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...parts: readonly (PageElement | string)[]
): PageElement {
  const element = shownDocument().createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...parts);
  return element;
}

/** How something fares: shape and colour of its mark. */
export type Mark = "good" | "bad" | "warn" | "busy" | "idle";

/** The shapes differ, so that nobody needs the colours. */
const markPaths: Readonly<Record<Mark, string>> = {
  good: "M3 8.5l3.2 3.2L13 5",
  bad: "M4 4l8 8M12 4l-8 8",
  warn: "M8 2.5v7M8 12.6v.8",
  busy: "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
  idle: "M4 8h8",
};

/** A small picture beside a word that says the same. */
export function mark(kind: Mark): PageElement {
  return draw(
    "svg",
    { class: `mark ${kind}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
    draw("path", { d: markPaths[kind] }),
  );
}

/** A word with its mark. */
export function marked(kind: Mark, text: string): PageElement {
  return make("span", `state ${kind}`, mark(kind), text);
}

/** A text that counts from a time on; {@link showAges} keeps it going. */
export function ageSince(time: string, before = "", after = ""): PageElement {
  const element = make("span", "age");
  element.dataset.since = time;
  element.dataset.before = before;
  element.dataset.after = after;
  return element;
}

/** Brings all texts of {@link ageSince} up to date, by the agent's clock. */
export function showAges(agentNowMs: number): void {
  for (const element of shownDocument().querySelectorAll("[data-since]")) {
    const { since = "", before = "", after = "" } = element.dataset;
    const text = `${before}${ageText(agentNowMs - Date.parse(since))}${after}`;
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Replaces what is in an element only when what it shows has changed, so that a selection stays. */
export class ChangingParts {
  readonly #shown = new WeakMap<PageElement, string>();

  /** Makes the parts anew if `shown` differs from the last time. */
  show(element: PageElement, shown: unknown, parts: () => readonly (PageElement | string)[]): void {
    const text = JSON.stringify(shown) ?? "";
    if (this.#shown.get(element) === text) return;
    this.#shown.set(element, text);
    element.replaceChildren(...parts());
  }
}
