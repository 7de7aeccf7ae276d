// What the visitors' log holds of this browser: shown, handed over, corrected, deleted. Asked for only while the log may run.

import { actions, button } from "../banner/dom.js";
import { make } from "../banner/parts.js";
import { local } from "./entry.js";
import { save } from "./save.js";
import { visitor } from "./service.js";

/** @typedef {import("../types").Store} Store */

/**
 * The section, and what its buttons do; null where there is no log, or it may not run.
 * @param {Store} store
 * @param {typeof CONSENT_CHOICES} data
 * @param {(text: string, bad?: boolean) => void} say
 */
export function visits(store, data, say) {
  if (store.visits?.level() != "full") return null;
  const { texts } = data;
  const body = make("div", {}, make("p", {}, texts.choices_checking));
  const title = make("h3", { tabindex: "-1" }, texts.choices_visits);
  const section = make("section", { class: "box visits", "aria-label": texts.choices_visits }, title, body);
  /** @type {any} */
  let held = null;

  const fields = () => /** @type {HTMLInputElement[]} */ ([...body.querySelectorAll("input")]);

  /** @param {boolean} [asking] before what cannot be undone, the question */
  const show = (asking) => {
    const known = !!held?.visitor;
    body.replaceChildren(...known ? [
      make("dl", {}, ...facts(data, held)),
      ...inputs(held),
      asking ? actions(button("visits_delete", texts.choices_erase_yes), button("visits_keep", texts.choices_erase_no))
        : actions(button("visits_download", texts.choices_visits_download), ...(names(held).length ? [button("visits_correct", texts.choices_visits_correct)] : []),
            button("visits_forget", texts.choices_visits_forget)),
    ] : [make("p", {}, texts.choices_visits_none)]);
  };

  const load = async () => {
    try {
      held = await visitor(store.settings);
      show();
    } catch {
      body.replaceChildren(make("p", {}, texts.choices_visits_lost));
    }
  };

  /** @param {Parameters<typeof visitor>[1]} change @param {string} done */
  const send = async (change, done) => {
    const taken = await visitor(store.settings, change).then(() => true, () => false);
    if (taken) await load();
    else show();
    say(taken ? done : texts.choices_visits_failed, !taken);
    title.focus();
  };

  /** @type {Record<string, () => unknown>} */
  const acts = {
    async visits_download() {
      try {
        while (held.next) {
          const more = await visitor(store.settings, null, held.next);
          held = { ...more, sessions: [...held.sessions, ...more.sessions] };
        }
        save(`visits-${store.settings.site}.json`, JSON.stringify(held, null, 2), "application/json");
      } catch {
        say(texts.choices_visits_failed, true);
      }
    },
    visits_correct: () => send({ fields: Object.fromEntries(fields().map(({ name, value }) => [name, value])) }, texts.choices_visits_corrected),
    visits_forget() {
      show(true);
      say(texts.choices_visits_ask);
      /** @type {HTMLElement | null} */ (body.querySelector("[data-consent=visits_keep]"))?.focus();
    },
    visits_keep() {
      show();
      say("");
      /** @type {HTMLElement | null} */ (body.querySelector("[data-consent=visits_forget]"))?.focus();
    },
    visits_delete: () => send({ forget: true }, texts.choices_visits_forgotten),
  };
  load();
  return { section, acts };
}

/** @param {any} held */
const names = (held) => Object.keys(held.customer?.fields || {});

/** @param {typeof CONSENT_CHOICES} data @param {any} held */
function facts({ texts, language }, { visitor: { first, last, visits, views }, customer }) {
  const day = (/** @type {number} */ time) => make("time", { datetime: new Date(time).toISOString() }, local(new Date(time), language));
  const number = (/** @type {number} */ value) => value.toLocaleString(language);
  const rows = [
    [texts.choices_visits_first, day(first)], [texts.choices_visits_last, day(last)],
    [texts.choices_visits_count, number(visits)], [texts.choices_visits_pages, number(views)],
    ...(customer ? [[texts.choices_visits_customer, String(customer.id)]] : []),
  ];
  return rows.flatMap(([name, value]) => [make("dt", {}, /** @type {string} */ (name)), make("dd", {}, value)]);
}

/** What the site has said of its customer, each in a field to be corrected. @param {any} held */
const inputs = (held) => names(held).map((name) =>
  make("label", {}, make("span", {}, name), make("input", { name, value: String(held.customer.fields[name]), maxlength: "100" })));
