const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** Local time as Python writes it without a `datefmt`: `2026-01-01 12:00:00,123`. */
export function asctime(timeMs: number): string {
  const milliseconds = String(new Date(timeMs).getMilliseconds()).padStart(3, "0");
  return `${timeText("%Y-%m-%d %H:%M:%S", timeMs)},${milliseconds}`;
}

/**
 * Local time in the notation of `strftime`, names in English; what is not known stays as it is.
 *
 * @param timeMs Milliseconds since 1970.
 */
export function timeText(format: string, timeMs: number): string {
  const date = new Date(timeMs);
  const fields = fieldsOf(date);
  return format.replaceAll(/%([a-zA-Z%])/g, (all, name: string) => {
    const read = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return read?.() ?? all;
  });
}

function fieldsOf(date: Date): Readonly<Record<string, () => string>> {
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = () => [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const hour12 = () => date.getHours() % 12 || 12;
  const day = () => days[date.getDay()] ?? "";
  const month = () => months[date.getMonth()] ?? "";
  return {
    "%": () => "%",
    a: () => day().slice(0, 3),
    A: day,
    b: () => month().slice(0, 3),
    B: month,
    d: () => two(date.getDate()),
    f: () => String(date.getMilliseconds()).padStart(3, "0") + "000",
    F: () => [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-"),
    H: () => two(date.getHours()),
    I: () => two(hour12()),
    j: () => String(dayOfYear(date)).padStart(3, "0"),
    m: () => two(date.getMonth() + 1),
    M: () => two(date.getMinutes()),
    p: () => date.getHours() < 12 ? "AM" : "PM",
    s: () => String(Math.floor(date.getTime() / 1000)),
    S: () => two(date.getSeconds()),
    T: clock,
    y: () => two(date.getFullYear() % 100),
    Y: () => String(date.getFullYear()),
    z: () => offset(date),
  };
}

function dayOfYear(date: Date): number {
  const today = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((today - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000);
}

/** `+0530`. */
function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(size / 60)}${two(size % 60)}`;
}
