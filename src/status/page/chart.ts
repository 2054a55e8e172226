import { type ChartFrame, type ChartShape, chartShape, type Sample } from "./chart_shape.ts";
import { draw, make, type PageElement, type PageEvent } from "./browser.ts";
import { clockText, percentText } from "./words.ts";

const frame: ChartFrame = { left: 40, top: 10, right: 330, bottom: 92 };
const size = { width: 340, height: 112 };

/** A line of percentages over time; the pointer and the arrow keys read single values. */
export class Chart {
  readonly element: PageElement;
  readonly #name: string;
  readonly #latest = make("span", "latest");
  readonly #reading = make("span", "quiet");
  readonly #plot = make("div", "plot");
  #points: ChartShape["points"] = [];
  /** The time of the value that is read. */
  #readMs: number | undefined;
  #cursor: PageElement | undefined;

  /** @param name What is measured, `Memory` for example. */
  constructor(name: string, unit: string) {
    this.#name = name;
    this.#plot.setAttribute("role", "img");
    this.#plot.setAttribute("tabindex", "0");
    const title = make("h3", "", name, make("span", "quiet", ` ${unit}`));
    const head = make("div", "charthead", title, this.#latest);
    this.element = make("div", "chart", head, this.#plot, make("p", "reading", this.#reading));
    this.#plot.addEventListener("pointermove", (event) => this.#readAt(event));
    this.#plot.addEventListener("pointerleave", () => this.#read(undefined));
    this.#plot.addEventListener("blur", () => this.#read(undefined));
    this.#plot.addEventListener("keydown", (event) => this.#readNext(event));
  }

  /** Shows these values, oldest first. */
  show(samples: readonly Sample[], nowMs: number): void {
    const shape = chartShape(samples, nowMs, frame);
    this.#points = shape.points;
    const latest = samples.at(-1)?.percent ?? NaN;
    const values = shape.points.map(({ percent }) => percent);
    this.#latest.textContent = percentText(latest);
    this.#plot.setAttribute(
      "aria-label",
      `${this.#name}: ${percentText(latest)} now, between ${
        percentText(Math.min(...values))
      } and ` +
        `${percentText(Math.max(...values))} since ${clockText(shape.points[0]?.timeMs ?? nowMs)}`,
    );
    this.#cursor = draw("path", { class: "cursor", d: "" });
    this.#plot.replaceChildren(picture(shape, this.#cursor));
    this.#read(this.#readMs);
  }

  #read(timeMs: number | undefined): void {
    this.#readMs = timeMs;
    const point = this.#points.find((point) => point.timeMs === timeMs);
    this.#cursor?.setAttribute("d", point ? `M${point.x} ${frame.top}V${frame.bottom}` : "");
    const [low, high] = [Math.min, Math.max].map((pick) =>
      pick(...this.#points.map(({ percent }) => percent))
    );
    this.#reading.textContent = point
      ? `${clockText(point.timeMs)}: ${percentText(point.percent)}`
      : `lowest ${percentText(low!)}, highest ${percentText(high!)}`;
  }

  #readAt(event: PageEvent): void {
    const { left, width } = this.#plot.getBoundingClientRect();
    const x = (event.clientX - left) / width * size.width;
    const near = this.#points.toSorted((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0];
    this.#read(near?.timeMs);
  }

  #readNext(event: PageEvent): void {
    const { key } = event;
    const step = key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : 0;
    if (step === 0 || this.#points.length === 0) return;
    event.preventDefault();
    const place = this.#points.findIndex(({ timeMs }) => timeMs === this.#readMs);
    const next = place < 0 ? this.#points.length - 1 : place + step;
    this.#read(this.#points[Math.max(0, Math.min(next, this.#points.length - 1))]!.timeMs);
  }
}

function picture({ lines, points, down, along }: ChartShape, cursor: PageElement): PageElement {
  const last = points.at(-1);
  return draw(
    "svg",
    { viewBox: `0 0 ${size.width} ${size.height}`, "aria-hidden": "true" },
    ...down.map(({ y }) =>
      draw("path", { class: "grid", d: `M${frame.left} ${y}H${frame.right}` })
    ),
    ...down.map(({ y, text }) =>
      draw("text", { x: frame.left - 6, y: y + 3.5, "text-anchor": "end" }, text)
    ),
    ...along.map(({ x, text }, i) =>
      draw("text", {
        x,
        y: frame.bottom + 15,
        "text-anchor": i === 0 ? "start" : i === along.length - 1 ? "end" : "middle",
      }, text)
    ),
    cursor,
    ...lines.map((d) => draw("path", { class: "line", d })),
    ...last ? [draw("circle", { class: "last", cx: last.x, cy: last.y, r: 3 })] : [],
  );
}
