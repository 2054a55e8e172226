/**
 * The shape of a value: its keys, sorted, and the types below them.
 *
 * @param anyKey Paths of objects whose keys are names, not fields; their keys are not compared.
 */
export function shapeOf(value: unknown, anyKey: readonly string[] = [], path = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => shapeOf(item, anyKey, `${path}[]`));
  if (value === null || typeof value !== "object") return typeof value;
  const entries = Object.entries(value).map(([key, part]) => {
    const shown = anyKey.includes(path) ? "*" : key;
    return [shown, shapeOf(part, anyKey, `${path}.${shown}`)] as const;
  });
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}
