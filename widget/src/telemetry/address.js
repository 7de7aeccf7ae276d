/** What is told of an address: never more than the policy keeps, so the rest does not leave the browser. Pure. */

/** A fragment that is a page of its own, as routers write it: told as the end of a path, `/#/cart`. */
const ROUTE = /^#!?\/[^?]*/;

const CAMPAIGN = /^utm_(source|medium|campaign|term|content)$/;

const LONGEST = 2000;

/**
 * A page's address: without user and fragment, and of its parameters those only that are kept.
 * @param {string} href
 * @param {string[]} [kept] names of parameters
 * @param {boolean} [campaign] whether a campaign's are kept, too
 */
export function pageOf(href, kept = [], campaign = false) {
  const { origin, pathname, searchParams, hash } = new URL(href);
  const query = new URLSearchParams([...searchParams].filter(([name]) => kept.includes(name) || campaign && CAMPAIGN.test(name))).toString();
  const [route] = ROUTE.exec(hash) || [];
  return `${origin}${route ? `${pathname.replace(/\/$/, "")}/%23${route.slice(1)}` : pathname}${query && `?${query}`}`.slice(0, LONGEST);
}

/** Where the visitor came from; what was searched for there is nobody's business. @param {string} href */
export const referrerOf = (href) => (/^https?:/.test(href) ? pageOf(href) : "");
