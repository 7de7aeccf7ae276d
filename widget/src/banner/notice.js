// The first layer: who asks, for what, what refusing means, and three equal buttons. Not modal; takes no focus by itself.

import css from "../banner.css";
import { actionOf, actions, button, fill, link, wording } from "./dom.js";
import { clearTheFocus } from "./focus.js";
import { decide, layerRoot, say, sweep } from "./layer.js";
import { make } from "./parts.js";

/** @typedef {import("../types").Store} Store */
/** @typedef {typeof CONSENT_BANNER} Data */

/**
 * @param {Store} store
 * @param {Data} data
 * @returns {import("../types").Layer}
 */
export function notice(store, data) {
  const { texts } = data;
  const root = layerRoot(store, data, css);
  let hide = () => {};

  /** @param {Element | null} opener */
  function show(opener) {
    hide();
    const card = build(store, data);
    const control = document.querySelector("consent-control");
    card.onclick = act;
    card.onkeydown = ({ key }) => {
      if (key == "Escape") hide(); // decides nothing: the next page asks again
    };
    root.append(card);
    control?.toggleAttribute("hidden", true);
    const undo = clearTheFocus(card);
    if (opener) card.focus();
    hide = () => {
      hide = () => {};
      undo();
      card.remove();
      control?.toggleAttribute("hidden", false);
      /** @type {HTMLElement | null} */ (opener)?.focus();
    };
  }

  /** @param {Event} event */
  async function act(event) {
    const action = actionOf(event);
    if (action == "accept" || action == "reject") {
      hide();
      decide(store, root, texts, sweep(store, action, 1));
      return;
    }
    if (!action) return;
    /** @type {HTMLElement} */ (event.target).focus(); // Safari gives a clicked button none, and it is to return there
    if (!(await store.show(2))) say(root, texts.layer_unloaded, texts.layer_close);
  }

  store.on("change", () => (store.choice || store.pending) && hide());
  return { show, hide: () => hide() };
}

/**
 * @param {Store} store
 * @param {Data} data
 */
function build(store, { texts, controller, purposes, third_parties: count }) {
  const text = wording(store, texts);
  const asked = purposes.filter((purpose) => !purpose.required);
  return make(
    "section",
    { class: `card box ask ${store.settings.theme.position}`, "aria-labelledby": "title", tabindex: "-1" },
    make(
      "div",
      { class: "body" },
      make("h2", { id: "title" }, text("banner_title")),
      make("p", {}, fill(text("banner_text"), { controller: controller.name })),
      make("ul", {}, ...asked.map(({ title, summary }) => make("li", {}, make("b", {}, title), ` – ${summary}`))),
      make("p", {}, text("banner_consequence")),
      make(
        "p",
        { class: "links" },
        count ? button("parties", fill(texts.banner_parties, { count }), "link") : "",
        link(texts.layer_privacy, controller.privacy_url),
        link(texts.layer_imprint, controller.imprint_url),
      ),
    ),
    actions(
      button("accept", text("layer_accept")),
      button("reject", text("layer_reject")),
      button("preferences", texts.banner_choose),
    ),
  );
}
