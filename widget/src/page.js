/** What the visitor has done on this page that a reload would undo, and the reload itself. Browsers keep the scroll position. */

import { session } from "./storage.js";

/** Holds the last decision that changed what a page runs under, and which page; a "!" before it until the next page has begun. */
const DECISION = "consent.reload";
const POST = "consent.post";

export function watchPage() {
  /** @type {Set<any>} */
  const touched = new Set();
  addEventListener("input", ({ target, isTrusted }) => {
    if (isTrusted && !/^CONSENT-/.test(/** @type {Element} */ (target).tagName)) touched.add(target);
  }, true);
  const active = /** @type {any} */ (document.activeElement);
  if (active?.defaultValue != null) touched.add(active); // something may have been typed before we were here

  const posted = wasPosted();
  addEventListener("submit", (event) => {
    const { method } = /** @type {HTMLFormElement} */ (event.target);
    if (!event.defaultPrevented && /^post$/i.test(event.submitter?.getAttribute("formmethod") || method)) session.set(POST, "sent");
  });

  const before = session.get(DECISION);
  const changed = before?.[0] == "!";
  if (changed) session.set(DECISION, before.slice(1));

  const here = (/** @type {string} */ cause) => `${cause} ${location.href}`;

  return {
    /** Whether a decision was carried out between the page before and this one. */
    changed,

    /** @param {string} cause */
    facts: (cause) => ({ typed: [...touched].some(differs), posted, done: session.get(DECISION)?.replace("!", "") == here(cause) }),

    /** Notes a decision, and reloads for it; where it cannot be noted, it does not. @param {string} cause @param {boolean} reload */
    change(cause, reload) {
      session.set(DECISION, `!${here(cause)}`);
      if (reload && session.get(DECISION) == `!${here(cause)}`) location.reload();
    },
  };
}

/** Whether a field, or text that can be edited, holds something else than the page came with. @param {any} field */
const differs = (field) => field.isConnected
  && (field.value == null ? field.isContentEditable : field.value != field.defaultValue || field.checked != field.defaultChecked);

/** Whether this page answers a form that was sent by POST. A redirect on the way makes it a page like others. */
function wasPosted() {
  const { redirectCount, type } = /** @type {any} */ (performance.getEntriesByType("navigation")[0] || {});
  const mark = session.get(POST);
  const posted = !!mark && !redirectCount && (mark == "sent" || type == "reload");
  if (mark) session.set(POST, posted ? "shown" : null);
  return posted;
}
