// The small permanent control that reopens the layers on every page, and where an opt-out signal is seen honoured (US-02).

import css from "./banner/control.css";
import { make } from "./banner/parts.js";

/** @typedef {import("./types").Store} Store */

/** @param {Store} store */
export function attach(store) {
  const { makeRoot, keep } = store.parts;
  const { position } = store.settings.control;
  const control = make("button", { type: "button", "data-consent": "open", class: `box ${position}` });
  const root = makeRoot(store, "consent-control", css, control);
  const show = () => {
    const signal = isHonoured(store);
    const label = store.text(store.regime.model == "opt-out" ? "control_label_opt_out" : "control_label");
    control.replaceChildren(make("span", {}, label), signal ? make("b", {}, store.text("control_signal")) : "");
    if (signal || position != "none") keep(root, "append");
  };
  store.on("change", show);
  store.on("regime", show);
  show();
}

/**
 * Whether a signal is on, the law wants that shown, and nothing that it covers runs.
 * @param {Store} store
 */
function isHonoured(store) {
  return store.gpc && store.regime.signal_shown && !store.settings.purposes.some(({ gpc, key }) => gpc && store.allows(key));
}
