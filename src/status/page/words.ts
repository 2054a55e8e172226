/** Numbers and times in words, as the page shows them. */

/** What stands where there is nothing to show. */
export const nothing = "–";

/** `1 234`, with a narrow space: the same in every language. */
export function countText(count: number): string {
  if (!Number.isFinite(count)) return nothing;
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** `3.2 MB`; decimal units. */
export function bytesText(bytes: number): string {
  if (!Number.isFinite(bytes)) return nothing;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    [value, unit] = [value / 1000, unit + 1];
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `120 ms`, `3.4 s`, `4 min 12 s`, `3 h 12 min`, `2 d 3 h`. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return nothing;
  const whole = Math.max(0, ms);
  if (whole < 1000) return `${Math.round(whole)} ms`;
  if (whole < 9_950) return `${(whole / 1000).toFixed(1)} s`;
  return ageText(whole);
}

/** The same for what goes on: whole seconds, so that it does not flicker. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (!Number.isFinite(seconds)) return nothing;
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  if (minutes < 1) return `${seconds} s`;
  if (hours < 1) return `${minutes} min ${seconds % 60} s`;
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `41.2 %`. */
export function percentText(percent: number): string {
  return Number.isFinite(percent) ? `${percent.toFixed(1)} %` : nothing;
}

/** `14:02:11` of the reader's own day. */
export function clockText(time: string | number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return nothing;
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0")).join(":");
}

/** `2026-11-22 14:02:11.250`, local time. */
export function dayText(time: string | number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return nothing;
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, "0")).join("-");
  return `${day} ${clockText(time)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** `UTC+02:00`. */
export function zoneText(time: number): string {
  const minutes = -new Date(time).getTimezoneOffset();
  const size = Math.abs(minutes);
  const two = (part: number) => String(part).padStart(2, "0");
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** `2 files`, `1 file`. */
export function manyText(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
