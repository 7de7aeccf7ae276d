// What both layers do alike: share one host, say what became of a choice, decide.

import css from "./layer.css";
import { make } from "./parts.js";

/** @typedef {import("../types").Store} Store */
/** @typedef {import("../types").LayerData} LayerData */

/**
 * The root of the one `<consent-banner>`, first in the body and so first in the order of focus.
 * @param {Store} store
 * @param {LayerData} data
 * @param {string} own  the layer's own style sheet
 */
export function layerRoot(store, data, own) {
  const { parts } = store;
  const there = document.querySelector("consent-banner")?.shadowRoot;
  if (there) {
    parts.dress(store, there, own);
    return there;
  }
  const root = parts.makeRoot(store, "consent-banner", css + own, make("p", { role: "status" }));
  Object.assign(root.host, { lang: data.language, dir: data.dir });
  parts.keep(root, "prepend");
  return root;
}

/**
 * Says something in a region that was there before (WCAG 4.1.3): to everybody with a button that takes it away, since
 * nothing times out (2.2.1), or to screen readers alone.
 * @param {ShadowRoot} root
 * @param {string} text
 * @param {string} [close]  the button's name
 * @param {string} [reload]  the name of a button that loads the page again
 */
export function say(root, text, close, reload) {
  const status = /** @type {HTMLElement} */ (root.querySelector("[role=status]"));
  status.className = close ? "box" : "";
  status.textContent = text;
  if (!close) return;
  for (const name of [reload, close]) {
    if (!name) continue;
    const button = make("button", { type: "button", class: "link" }, name);
    button.onclick = () => (name == reload ? location.reload() : say(root, ""));
    status.append(" ", button);
  }
}

/**
 * @param {Store} store
 * @param {ShadowRoot} root
 * @param {Record<string, string>} texts
 * @param {import("../types").Decision} decision
 */
export async function decide(store, root, texts, decision) {
  const outcome = await store.decide(decision).catch(() => null);
  if (outcome?.applied == "reload") return;
  if (outcome?.applied == "not") return say(root, texts.layer_unloaded, texts.layer_close);
  if (outcome?.applied == "next" && store.excessive()) return say(root, store.text("placeholder_stays") || texts.layer_next, texts.layer_close, store.text("placeholder_reload"));
  const now = outcome?.recorded && outcome.applied == "now";
  say(root, now ? texts.layer_saved : outcome?.recorded ? texts.layer_next : texts.layer_unrecorded, now ? "" : texts.layer_close);
}

/**
 * What is said of every purpose alike.
 * @param {Store} store
 * @param {"accept" | "reject" | "withdraw"} control
 * @param {1 | 2} layer
 * @returns {import("../types").Decision}
 */
export function sweep(store, control, layer) {
  return { purposes: letters(store, () => control == "accept"), services: {}, control, layer };
}

/**
 * The letters of the choice cookie (docs/formats.md, section 2): what was granted and is no more was withdrawn.
 * @param {Store} store
 * @param {(key: string) => boolean} isOn
 */
export function letters(store, isOn) {
  /** @type {Record<string, import("../types").Letter>} */
  const said = {};
  for (const { key, required } of store.settings.purposes) {
    if (!required) said[key] = isOn(key) ? "g" : store.status(key) == "granted" ? "w" : "d";
  }
  return said;
}
