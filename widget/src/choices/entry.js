// One choice: what was said, when, what was shown; whether that is proved.

import { fill, link } from "../banner/dom.js";
import { make } from "../banner/parts.js";

/** @typedef {import("../types").Store} Store */
/** @typedef {typeof CONSENT_CHOICES} Data */

/** @type {Map<unknown, string>} */
const STATES = new Map([["granted", "choices_on"], ["denied", "choices_off"], ["withdrawn", "choices_ended"], ["objected", "choices_objected"], ["unset", "choices_unset"]]);

/** @type {Map<unknown, string>} */
const ACTIONS = new Map([["given", "choices_given"], ["partly", "choices_partly"], ["refused", "choices_refused"], ["changed", "choices_changed"], ["withdrawn", "choices_withdrawn"]]);

/**
 * @param {Store} store
 * @param {Data} data
 * @param {import("../receipts.js").Evidence} evidence
 */
export function entry(store, data, { record, vkey }) {
  const { texts } = data;
  const title = texts[ACTIONS.get(record.action) || ""] || String(record.action);
  const when = new Date(Number(record.time));
  const known = Number.isFinite(when.getTime());
  const shown = /^[0-9a-f]{64}$/.test(record.notice) && `${store.settings.base}/n/${encodeURIComponent(String(record.site))}/${record.notice}`;
  return make(
    "section",
    { class: "box", "aria-label": title },
    make("h3", {}, title),
    make("p", { class: "when" },
      known ? make("time", { datetime: when.toISOString() }, `${local(when, data.language)} (${universal(when)})`) : "",
      ` · ${texts.choices_policy} ${record.version}`),
    make("ul", { class: "states" }, ...states(store, data, record)),
    record.gpc === true ? make("p", {}, texts.choices_signal) : "",
    make("p", { class: "verdict" }, texts.choices_checking),
    make("p", {}, shown ? link(texts.choices_shown, shown) : ""),
    make(
      "details",
      {},
      make("summary", {}, texts.choices_details),
      make("dl", {}, ...facts([
        [texts.choices_time, known ? universal(when) : ""],
        [texts.choices_policy, record.version, record.hash],
        [texts.choices_notice, record.notice],
        [texts.choices_receipt, record.receipt],
        [texts.choices_record, record.id],
        [texts.choices_log, vkey],
      ])),
    ),
  );
}

/**
 * @param {Date} when
 * @param {string} language
 */
export function local(when, language) {
  try {
    return when.toLocaleString(language, { dateStyle: "long", timeStyle: "medium" });
  } catch {
    return when.toISOString();
  }
}

/** @param {Date} when */
const universal = (when) => when.toISOString().replace("T", " ").replace(/\.\d+Z/, " UTC");

/**
 * In the policy's order, then what it no longer has.
 * @param {Store} store
 * @param {Data} data
 * @param {Record<string, any>} record
 */
function states({ settings }, { texts, purposes }, record) {
  const pairs = (/** @type {unknown} */ said, /** @type {{ key: string }[]} */ known) => {
    const rank = (/** @type {string} */ key) => known.findIndex((one) => one.key == key) + 1 || Infinity;
    return Object.entries(said && typeof said == "object" ? said : {}).sort(([a], [b]) => rank(a) - rank(b) || 0).slice(0, 200);
  };
  const row = (/** @type {string} */ name, /** @type {unknown} */ status) => {
    const state = texts[STATES.get(status) || ""] || String(status);
    return make("li", {}, make("span", {}, name), make("b", { class: status == "granted" ? "on" : "off" }, state));
  };
  return [
    ...pairs(record.purposes, purposes).map(([key, status]) => row(purposes.find((one) => one.key == key)?.title || key, status)),
    ...pairs(record.services, settings.services).map(([key, status]) => row(settings.services.find((one) => one.key == key)?.name || key, status)),
  ];
}

/** @param {any[][]} rows a name, and what is to be said of it, line by line */
function facts(rows) {
  return rows.filter(([, first]) => first != null && first !== "").flatMap(([name, ...values]) => [
    make("dt", {}, name), make("dd", {}, ...values.filter(Boolean).map((value) => make("code", {}, String(value)))),
  ]);
}

/**
 * Puts the verdict where it was waited for: what exactly was checked, or what is wrong.
 * @param {Data} data
 * @param {HTMLElement} section
 * @param {import("./check.js").Verdict} verdict
 */
export function tell({ texts, language }, section, { reason, entry: at, size, root, signature }) {
  const place = /** @type {HTMLElement} */ (section.querySelector(".verdict"));
  place.className = `verdict ${reason ? "bad" : "good"}`;
  if (reason) return place.replaceChildren(texts.choices_broken, " ", make("span", { lang: "en" }, reason));
  const number = (/** @type {number} */ value) => value.toLocaleString(language);
  place.textContent = fill(signature ? texts.choices_verified : texts.choices_unsigned, { entry: number(at), size: number(size) });
  section.querySelector("dl")?.append(...facts([[texts.choices_entry, `${at} / ${size}`], [texts.choices_root, root]]));
}
