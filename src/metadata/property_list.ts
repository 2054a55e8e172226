/** All properties of a scope: values by name, in the order of the answer. */
export type Properties = ReadonlyMap<string, readonly string[]>;

/** Why an answer is no list of properties. */
export interface NoProperties {
  readonly refused: string;
}

/**
 * Reads `{"properties":[{"key":"k","values":["v"]}]}`.
 *
 * The service's JSON writer drops lists around single elements: `values` may be a text and `properties`
 * one property. Absent or `null` properties are none; a key that is there twice has all its values.
 * What else is in the document is let go.
 *
 * @param text JSON, or nothing at all for no properties.
 */
export function parseProperties(text: string): Properties | NoProperties {
  const properties = new Map<string, string[]>();
  if (text.trim() === "") return properties;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { refused: "it is no JSON" };
  }
  if (!isObject(document)) return { refused: "it is no JSON object" };
  const listed = document["properties"];
  if (listed === undefined || listed === null) return properties;
  const all: readonly unknown[] = Array.isArray(listed) ? listed : [listed];
  for (const property of all) {
    if (!isObject(property)) return { refused: "a property is no object" };
    const key = property["key"];
    if (typeof key !== "string") return { refused: "a property has no key" };
    const values = valuesOf(property["values"]);
    if (!values) return { refused: "the values of a property are neither a text nor texts" };
    const known = properties.get(key);
    if (known) known.push(...values);
    else properties.set(key, values);
  }
  return properties;
}

/** Numbers and truth values are what the JSON writer makes of texts that look like them. */
function valuesOf(values: unknown): string[] | undefined {
  if (values === undefined || values === null) return [];
  const all: readonly unknown[] = Array.isArray(values) ? values : [values];
  const texts: string[] = [];
  for (const value of all) {
    if (typeof value === "string") texts.push(value);
    else if (typeof value === "number" || typeof value === "boolean") texts.push(`${value}`);
    else return undefined;
  }
  return texts;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
