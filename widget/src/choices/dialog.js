// "My choices": what the visitor has said here, and what proves it; checked in this browser, without asking anybody.

import css from "../choices.css";
import { actionOf, actions, button } from "../banner/dom.js";
import { layerRoot } from "../banner/layer.js";
import { make } from "../banner/parts.js";
import { RECEIPT, readReceipts } from "../receipts.js";
import { local } from "../storage.js";
import { check } from "./check.js";
import { entry, tell } from "./entry.js";
import { erase, publishedKeys } from "./service.js";
import { composeLetter, composeReceipt } from "./receipt.js";
import { save } from "./save.js";
import { visits } from "./visits.js";

/** @typedef {import("../types").Store} Store */
/** @typedef {typeof CONSENT_CHOICES} Data */
/** @typedef {import("./check.js").Verdict} Verdict */

/**
 * @param {Store} store
 * @param {Data} data
 * @returns {import("../types").Layer}
 */
export function choices(store, data) {
  const root = layerRoot(store, data, css);
  let hide = () => {};

  /** @param {Element | null} opener */
  function show(opener) {
    hide();
    let from = opener || document.activeElement;
    while (from?.shadowRoot?.activeElement) from = from.shadowRoot.activeElement;
    const dialog = build(store, data);
    hide = () => {
      hide = () => {};
      dialog.close?.();
      dialog.remove();
      /** @type {HTMLElement | null} */ (from)?.focus();
    };
    dialog.onclose = () => dialog.isConnected && hide(); // told late, perhaps when another is open already
    dialog.addEventListener("leave", () => hide());
    root.append(dialog);
    dialog.showModal ? dialog.showModal() : dialog.setAttribute("open", "");
  }

  return { show, hide: () => hide() };
}

/**
 * @param {Store} store
 * @param {Data} data
 */
function build(store, data) {
  const { texts } = data;
  const list = make("div", { class: "said" });
  const told = make("output", { id: "told" });
  const foot = make("div", { role: "group", "aria-describedby": "told" });
  const dialog = /** @type {HTMLDialogElement} */ (make(
    "dialog",
    { class: "card box mine", "aria-labelledby": "mine" },
    make("div", { class: "head" },
      make("h2", { id: "mine", tabindex: "-1", autofocus: "" }, texts.choices_title),
      make("button", { type: "button", "data-consent": "close", "aria-label": texts.layer_close }, "×")),
    make("div", { class: "body" }, make("p", {}, texts.choices_intro), list),
    make("div", { class: "foot" }, told, foot),
  ));
  /** @type {Verdict[]} */
  let verdicts = [];
  let { said } = readReceipts(local.get(RECEIPT));

  const say = (/** @type {string} */ text, bad = false) => {
    told.className = bad ? "bad" : "";
    told.textContent = text;
  };

  /** Shows what is kept, newest first, and checks it. */
  const refresh = async () => {
    said = readReceipts(local.get(RECEIPT)).said;
    const shown = [...said].reverse().map((one) => entry(store, data, one));
    list.replaceChildren(...shown.length ? shown : [make("p", {}, texts.choices_empty)]);
    verdicts = await Promise.all(said.map(check));
    shown.forEach((one, at) => tell(data, one, verdicts[said.length - 1 - at]));
  };

  const about = () => ({
    base: store.settings.base, controller: data.controller, page: location.href.split(/[?#]/)[0],
    titles: Object.fromEntries(data.purposes.map(({ key, title }) => [key, title])), services: store.settings.services,
  });

  /** @type {Record<string, (event: Event) => unknown>} */
  const acts = {
    close: () => dialog.dispatchEvent(new Event("leave")),
    async check() {
      say(texts.choices_checking);
      await refresh();
      const keys = await publishedKeys(store.settings).catch(() => null);
      if (!keys) return say(texts.choices_key_unknown);
      const same = said.every(({ vkey }) => keys.includes(vkey));
      say(same ? texts.choices_key_same : texts.choices_key_other, !same);
    },
    download: () => save(`consent-receipt-${store.settings.site}.json`, JSON.stringify(composeReceipt(said, about()), null, 2), "application/ld+json"),
    async copy() {
      const letter = composeLetter(said, { ...about(), verdicts: verdicts.map(({ reason, signature }) => reason || (signature ? "verified" : "verified but for the signature")) });
      try {
        await navigator.clipboard.writeText(letter);
        say(texts.choices_copied);
      } catch { // a page that may not write there: it stands ready to be copied by hand
        const area = /** @type {HTMLTextAreaElement} */ (make("textarea", { readonly: "", rows: "8", "aria-label": texts.choices_copy }));
        area.value = letter;
        told.replaceChildren(area);
        area.select();
      }
    },
    erase: () => buttons(true),
    keep: () => buttons(false),
    async destroy() {
      const { receipt } = readReceipts(local.get(RECEIPT));
      const all = [...said.map(({ record }) => String(record.receipt)), String(receipt || "")].filter(Boolean);
      const state = await erase(store.settings, [...new Set(all)]).catch(() => "");
      if (state) local.set(RECEIPT, null);
      await refresh();
      buttons(false);
      say(state == "complete" ? texts.choices_erased : state ? texts.choices_erasing : texts.choices_not_erased, !state);
      dialog.querySelector("h2")?.focus();
    },
  };

  /** The way on; or, before what cannot be undone, the question. @param {boolean} asking */
  const buttons = (asking) => {
    say(asking ? texts.choices_erase_ask : "");
    foot.replaceChildren(asking
      ? actions(button("destroy", texts.choices_erase_yes), button("keep", texts.choices_erase_no))
      : said.length || readReceipts(local.get(RECEIPT)).receipt ? actions(
          ...said.length ? [button("check", texts.choices_check), button("download", texts.choices_download), button("copy", texts.choices_copy)] : [],
          button("erase", texts.choices_erase)) : "");
    if (dialog.isConnected) /** @type {HTMLElement | null} */ (foot.querySelector(asking ? "[data-consent=keep]" : "[data-consent=erase]"))?.focus();
  };

  dialog.onclick = (event) => {
    const act = acts[actionOf(event) || ""];
    if (!act) return;
    event.stopPropagation();
    act(event);
  };
  buttons(false);
  refresh();
  const log = visits(store, data, say);
  if (log) {
    Object.assign(acts, log.acts);
    list.after(log.section);
  }
  return dialog;
}
