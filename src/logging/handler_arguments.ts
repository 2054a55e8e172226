/** A text, a number, or anything else as it is written (a name, `None`, a keyword argument). */
export type HandlerArgument = string | number | { readonly expression: string };

const argument =
  /\s*(?:[rub]?"((?:[^"\\]|\\.)*)"|[rub]?'((?:[^'\\]|\\.)*)'|(-?\d+(?:\s*\*\s*\d+)*)|([^\s,"'()][^,"'()]*(?:\(\))?))\s*(?:,|$)/y;

/**
 * The arguments of a handler in `logging.ini`: a Python tuple of literals such as
 * `("agent.log", "a", 10*1024*1024, 5)`. It is read, never evaluated.
 *
 * @returns Undefined for what is no such tuple; `tuple()` and an empty text are without arguments.
 */
export function handlerArguments(text: string): readonly HandlerArgument[] | undefined {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "tuple()") return [];
  const inner = /^\((.*)\)$/s.exec(trimmed)?.[1]?.trim();
  if (inner === undefined) return undefined;
  const found: HandlerArgument[] = [];
  const pattern = new RegExp(argument);
  while (pattern.lastIndex < inner.length) {
    const match = pattern.exec(inner);
    if (match === null) return undefined;
    const [, double, single, number, expression] = match;
    const quoted = double ?? single;
    if (quoted !== undefined) found.push(quoted.replaceAll(/\\(.)/gs, "$1"));
    else if (number !== undefined) found.push(productOf(number));
    else found.push({ expression: (expression ?? "").trim() });
  }
  return found;
}

function productOf(text: string): number {
  return text.split("*").reduce((product, factor) => product * Number(factor), 1);
}
