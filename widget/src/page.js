/** What the visitor has done on this page that a reload would undo, and the reload itself. Browsers keep the scroll position. */

import { session } from "./storage.js";

/** Holds the last decision that changed what a page runs under, and which page; a "!" before it until the next page has begun. */
const DECISION = "consent.reload";
const POST = "consent.post";

/** A navigation that has not taken place after this was none: a download, an address that another program takes. ms */
const ON_THE_WAY = 30_000;

/** @param {Set<any>} touched where the visitor has entered something; the bootstrap fills it */
export function watchPage(touched) {
  let left = -Infinity;
  const leave = (/** @type {boolean} */ away = true) => { left = away ? performance.now() : -Infinity; };

  const active = /** @type {any} */ (document.activeElement);
  if (active?.defaultValue != null) touched.add(active); // something may have been typed before we were here
  addEventListener("blur", () => setTimeout(() => {
    const { activeElement: frame } = document; // an editor in a frame, a card number: it tells us nothing of its input
    if (frame?.localName == "iframe" && !frame.matches("[data-service],[data-category]")) touched.add(frame);
  }));

  const posted = wasPosted() || document.documentElement.dataset.consentReload == "never";
  const foreign = isForeign(document.referrer);
  watchForms(leave);
  addEventListener("click", (event) => {
    const link = /** @type {any} */ (event.composedPath().find((/** @type {any} */ one) => one.localName == "a" && one.href));
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || link.hasAttribute("download")
      || !isHere(link.target) || String(link.href).split("#")[0] == location.href.split("#")[0] || !/^http/.test(link.href)) return;
    leave();
    setTimeout(() => event.defaultPrevented && leave(false));
  }, true);
  for (const type of ["beforeunload", "pagehide"]) addEventListener(type, () => leave());
  addEventListener("pageshow", ({ persisted }) => persisted && leave(false));

  const before = session.get(DECISION);
  const changed = before?.[0] == "!";
  if (changed) session.set(DECISION, before.slice(1));

  const here = (/** @type {string} */ cause) => `${cause} ${address()}`;

  return {
    /** Whether a decision was carried out between the page before and this one. */
    changed,

    /** @param {string} cause */
    facts: (cause) => ({ leaving: performance.now() - left < ON_THE_WAY, typed: [...touched].some(differs), posted, done: session.get(DECISION)?.replace("!", "") == here(cause) }),

    /** Notes a decision, and reloads for it; where it cannot be noted, it does not. @param {string} cause @param {boolean} reload */
    change(cause, reload) {
      session.set(DECISION, `!${here(cause)}`);
      if (reload && performance.now() - left >= ON_THE_WAY && session.get(DECISION) == `!${here(cause)}`) {
        if (foreign) location.replace(address());
        else location.reload();
      }
    },
  };
}

/** Whether the window itself goes there. @param {string | null | undefined} target */
const isHere = (target) => /^(_self|_top|_parent)?$/.test(target || "");

/** The page, without the place in it. */
export const address = () => location.href.split("#")[0];

/**
 * An answer to another site's form, as from a bank, cannot be told from one to its link: there the address is asked for
 * anew, which sends nothing twice. @param {string} referrer
 */
const isForeign = (referrer) => !!referrer && !`${referrer}/`.startsWith(`${location.origin}/`);

/**
 * Notes forms on their way, and leaves a mark for the page that answers one sent by POST.
 * @param {(away?: boolean) => void} leave
 */
function watchForms(leave) {
  const go = (/** @type {HTMLFormElement} */ form, /** @type {HTMLElement | null} */ submitter) => {
    const said = (/** @type {string} */ name) => submitter?.getAttribute(`form${name}`) || form.getAttribute(name) || "";
    if (!isHere(said("target")) || /^dialog$/i.test(said("method"))) return false;
    leave();
    if (/^post$/i.test(said("method"))) session.set(POST, "sent");
    return true;
  };
  addEventListener("submit", (event) => {
    const before = session.get(POST);
    if (go(/** @type {HTMLFormElement} */ (event.target), event.submitter)) setTimeout(() => {
      if (!event.defaultPrevented) return;
      leave(false);
      session.set(POST, before);
    });
  }, true);
  const { submit } = HTMLFormElement.prototype; // tells nobody
  HTMLFormElement.prototype.submit = function () {
    try {
      go(this, null);
    } catch {}
    submit.call(this);
  };
}

/** Whether a field holds something else than the page came with; what cannot be compared counts as typed. @param {any} field */
const differs = (field) => field.isConnected
  && (field.defaultValue == null ? field.localName != "select" || ![...field.options].every((one) => one.selected == one.defaultSelected) : field.value != field.defaultValue || field.checked != field.defaultChecked);

/** Whether this page answers a form that was sent by POST. A redirect on the way makes it a page like others. */
function wasPosted() {
  const { redirectCount, type } = /** @type {any} */ (performance.getEntriesByType("navigation")[0] || {});
  const mark = session.get(POST);
  const posted = !!mark && !redirectCount && (mark == "sent" || type == "reload");
  if (mark) session.set(POST, posted ? "shown" : null);
  return posted;
}
