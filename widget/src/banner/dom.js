// Elements that only the layers need.

import { make } from "./parts.js";

/**
 * A text with its `{names}` filled in.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/**
 * A button that `data-consent` names: one of the equal ones, or one that looks like a link.
 * @param {string} action
 * @param {string} text
 * @param {string} [look]
 */
export function button(action, text, look = "do") {
  return make("button", { type: "button", "data-consent": action, class: look }, text);
}

/**
 * The equal buttons, side by side where their words leave room for that, else one below the other.
 * @param {(HTMLElement | "")[]} buttons
 */
export function actions(...buttons) {
  const long = buttons.some((one) => one && /\S{11}/.test(String(one.textContent)));
  return make("div", { class: `actions${long ? " long" : ""}` }, ...buttons);
}

/**
 * A link, or nothing where there is no address that a link may have.
 * @param {string} text
 * @param {string | undefined} address
 */
export function link(text, address) {
  return /^(https?:\/)?\//.test(address || "")
    ? make("a", { href: String(address), target: "_blank", rel: "noopener" }, text)
    : "";
}

/**
 * What a click on one of our buttons means.
 * @param {Event} event
 */
export function actionOf({ target }) {
  return /** @type {Element} */ (target).closest("[data-consent]")?.getAttribute("data-consent");
}

/**
 * The words for where the visitor is: of an opt-out law if it is one, and if they differ there.
 * @param {import("../types").Store} store
 * @param {Record<string, string>} texts
 * @returns {(key: string) => string}
 */
export function wording(store, texts) {
  return (key) => (store.regime.model == "opt-out" && texts[`${key}_opt_out`]) || texts[key];
}
