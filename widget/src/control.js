// The small permanent control that reopens the layers on every page, and where an opt-out signal is seen honoured (US-02).

import css from "./banner/control.css";
import { make } from "./banner/parts.js";

/** @typedef {import("./types").Store} Store */

/** @param {Store} store */
export function attach(store) {
  const { makeRoot, dress, keep } = store.parts;
  const { position } = store.settings.control;
  const control = make("button", { type: "button", "data-consent": "open", class: `box ${position}` });
  const root = makeRoot(store, "consent-control", control);
  dress(store, root, css);
  const show = () => {
    const signal = isHonoured(store);
    const label = store.text(store.regime.model == "opt-out" ? "control_label_opt_out" : "control_label");
    control.replaceChildren(make("span", {}, label), signal ? make("b", {}, store.text("control_signal")) : "");
    if (signal || position != "none") keep(root, "append");
  };
  addEventListener("click", (event) => open(store, event));
  store.on("change", show);
  store.on("regime", show);
  show();
}

/**
 * Opens a layer from our control, or from any `[data-consent="open"]` of the page: a plain link that then still leads
 * to its own address when the layer cannot be had (US-07).
 * @param {Store} store
 * @param {MouseEvent} event
 */
async function open(store, event) {
  const opener = /** @type {HTMLAnchorElement | null} */ (
    /** @type {Element} */ (event.composedPath()[0]).closest?.("[data-consent=open]"));
  if (!opener) return;
  event.preventDefault();
  opener.focus(); // Safari gives a clicked button no focus, and it is to return there
  if (!(await store.show(store.choice ? 2 : 1)) && opener.href) location.assign(opener.href);
}

/**
 * Whether a signal is on, the law wants that shown, and nothing that it covers runs.
 * @param {Store} store
 */
function isHonoured(store) {
  return store.gpc && store.regime.signal_shown && !store.settings.purposes.some(({ gpc, key }) => gpc && store.allows(key));
}
