/**
 * A URL without user name and password, fit to be shown and handed on.
 *
 * @param url Any text; what is no URL comes back without what stands before an `@` in its authority.
 */
export function withoutUserInfo(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1");
}
