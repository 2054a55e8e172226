import type { StatusPage } from "./status_handler.ts";
import { pageHashes, pageText } from "./page_text.ts";

/**
 * The status page: one text without anything from elsewhere, which follows `/events`.
 *
 * Its policy allows exactly its own script and style and requests to where it came from; nothing can
 * become markup in it.
 */
export function statusPage(): StatusPage {
  return { html: pageText, securityPolicy: policy.join("; ") };
}

const policy = [
  "default-src 'none'",
  `script-src '${pageHashes.script}'`,
  `style-src '${pageHashes.style}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
] as const;
