// The second layer: a modal dialog with a switch for each purpose and service. Closing it decides nothing.

import css from "../preferences.css";
import { actionOf, actions, button, fill, wording } from "./dom.js";
import { decide, layerRoot, sweep } from "./layer.js";
import { panel } from "./panel.js";
import { make } from "./parts.js";
import { currentSwitches, saved, switchPurpose } from "./switches.js";

/** @typedef {import("../types").Store} Store */
/** @typedef {typeof CONSENT_PREFERENCES} Data */

/**
 * @param {Store} store
 * @param {Data} data
 * @returns {import("../types").Layer}
 */
export function preferences(store, data) {
  const root = layerRoot(store, data, css);
  let hide = () => {};

  /** @param {Element | null} opener */
  function show(opener) {
    hide();
    const from = deepest(opener);
    const switches = currentSwitches(store);
    const dialog = build(store, data);
    hide = () => {
      hide = () => {};
      dialog.close?.();
      dialog.remove();
      from?.focus();
    };
    dialog.onclose = () => dialog.isConnected && hide(); // told late, perhaps when another is open already
    dialog.onclick = (event) => {
      const action = /** @type {any} */ (actionOf(event));
      if (!action) return;
      if (action == "choices") {
        openChoices(store, data.texts, event);
        return;
      }
      hide();
      if (action != "close") decide(store, root, data.texts, action == "save" ? saved(store, switches) : sweep(store, action, 2));
    };
    dialog.onchange = ({ target }) => {
      const { dataset, checked } = /** @type {HTMLInputElement} */ (target);
      if (dataset.purpose) switchPurpose(store, switches, dataset.purpose, checked);
      else switches.services[String(dataset.service)] = checked;
      reflect(dialog, data, switches);
    };
    reflect(dialog, data, switches);
    root.append(dialog);
    dialog.showModal ? dialog.showModal() : dialog.setAttribute("open", "");
    unfold(dialog, from?.dataset.for);
  }

  return { show, hide: () => hide() };
}

/**
 * "My choices" opens on top, and gives the focus back.
 * @param {Store} store
 * @param {Record<string, string>} texts
 * @param {Event} event
 */
async function openChoices(store, texts, event) {
  event.stopPropagation(); // the page's own links to it are the bootstrap's
  const button = /** @type {HTMLElement} */ (event.target);
  button.focus();
  if (!(await store.show(3))) button.textContent = texts.layer_unloaded;
}

/**
 * The element that has the focus, through open shadow roots: what the dialog was opened from.
 * @param {Element | null} element
 */
function deepest(element) {
  element ||= document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return /** @type {HTMLElement | null} */ (element);
}

/**
 * @param {Store} store
 * @param {Data} data
 */
function build(store, data) {
  const { texts, purposes, language } = data;
  const text = wording(store, texts);
  const { choice, gpc } = store;
  const day = choice && new Date(choice.day * 864e5).toLocaleDateString(language, { dateStyle: "long", timeZone: "UTC" });
  const notes = [
    text("preferences_intro"),
    gpc ? texts.preferences_signal : "",
    day ? fill(texts.preferences_chosen, { date: day }) : "",
  ];
  return /** @type {HTMLDialogElement} */ (make(
    "dialog",
    { class: "card box", "aria-labelledby": "heading" },
    make(
      "div",
      { class: "head" },
      make("h2", { id: "heading", tabindex: "-1", autofocus: "" }, text("preferences_title")),
      make("button", { type: "button", "data-consent": "close", "aria-label": texts.layer_close }, "×"),
    ),
    make(
      "div",
      { class: "body" },
      ...notes.map((note) => note && make("p", {}, note)),
      ...purposes.map((purpose) => panel(data, purpose)),
      make("p", {}, button("choices", texts.preferences_choices, "link")),
    ),
    actions(
      button("save", texts.preferences_save),
      button("accept", text("layer_accept")),
      button("reject", text("layer_reject")),
      choice ? button("withdraw", texts.preferences_withdraw) : "",
    ),
  ));
}

/**
 * Shows what the switches say, a service of several purposes at each of its places.
 * @param {HTMLElement} dialog
 * @param {Data} data
 * @param {import("./switches.js").Switches} switches
 */
function reflect(dialog, { texts, purposes }, switches) {
  for (const input of dialog.querySelectorAll("input")) {
    const { purpose, service } = input.dataset;
    input.checked = purpose ? switches.purposes[purpose] : switches.services[String(service)];
  }
  for (const { key, services } of purposes) {
    const allowed = services.filter((service) => switches.services[service.key]).length;
    dialog.querySelector(`[data-count="${key}"]`)?.replaceChildren(fill(texts.preferences_allowed, { allowed, count: services.length }));
  }
}

/**
 * Opens the details around the switch of one service, or finds that of a purpose, and puts the focus there.
 * @param {HTMLElement} dialog
 * @param {string | undefined} key
 */
function unfold(dialog, key) {
  const input = [...dialog.querySelectorAll("input")].find(({ dataset }) => key && (dataset.service || dataset.purpose) == key);
  for (let up = input?.parentElement; up; up = up.parentElement) if (up.matches("details")) up.setAttribute("open", "");
  input?.focus();
  input?.scrollIntoView({ block: "center" });
}
