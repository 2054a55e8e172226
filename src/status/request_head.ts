/** The head of a request, as far as a status endpoint looks at it. */
export interface RequestHead {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly headers: Headers;
  /** The client takes further answers on this connection. */
  readonly keepsAlive: boolean;
  /** A body follows, which nobody reads. */
  readonly hasBody: boolean;
}

/** A longer head is refused. */
export const longestHead = 8 * 1024;

const requestLine = /^([A-Z]{1,16}) (\/[\x21-\x7e]*) HTTP\/1\.([01])$/;
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*)$/;
const mostHeaders = 64;

/**
 * Reads the head of an HTTP/1 request, without the empty line at its end.
 *
 * Strict: one line form, no folded lines, one `Host` at most and none missing in HTTP/1.1. What is not of this form is `undefined`, and the connection is of no further use.
 */
export function parseRequestHead(text: string): RequestHead | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const [, method, target, minor] = requestLine.exec(first) ?? [];
  if (method === undefined || target === undefined || lines.length > mostHeaders) return undefined;
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    if (name.toLowerCase() === "host" && headers.has("host")) return undefined;
    headers.append(name, value.trim());
  }
  if (minor === "1" && !headers.has("host")) return undefined;
  const hasBody = headers.has("transfer-encoding") ||
    !/^0*$/.test(headers.get("content-length") ?? "");
  const connection = (headers.get("connection") ?? "").toLowerCase().split(",")
    .map((word) => word.trim());
  const keepsAlive = minor === "1" && !hasBody && !connection.includes("close");
  return { method, target, headers, keepsAlive, hasBody };
}
