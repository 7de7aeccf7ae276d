/** What a page may tell of its own: names and values that are plain and short. Pure. */

import { json } from "../json.js";

/** Names that are ours. */
const OURS = ["view", "outbound", "blocked", "engagement"];

const NAME = /^[a-z][a-z0-9_.-]{0,39}$/;
const KEY = /^[a-z][a-z0-9_]{0,39}$/;
const MOST = 10;
const LONGEST = 100;
const LONGEST_OF_ALL = 1000;

/**
 * Plain values under their names, texts cut; what is more than fits is left out.
 * @param {any} given
 * @param {(name: string) => boolean} wanted
 */
function plain(given, wanted) {
  /** @type {Record<string, string | number | boolean>} */
  const kept = {};
  if (!given || typeof given != "object") return kept;
  for (const name of Object.keys(given).filter(wanted).slice(0, MOST)) {
    const value = typeof given[name] == "string" ? given[name].slice(0, LONGEST) : given[name];
    const fits = typeof value == "string" || typeof value == "boolean" || Number.isFinite(value);
    if (fits && json({ ...kept, [name]: value }).length <= LONGEST_OF_ALL) kept[name] = value;
  }
  return kept;
}

/**
 * An event of the page; null where its name is none, or none that the policy has.
 * @param {any} event
 * @param {any} props
 * @param {string[]} names the policy's; none: any
 */
export function eventOf(event, props, names) {
  if (typeof event != "string" || !NAME.test(event) || OURS.includes(event) || names.length && !names.includes(event)) return null;
  return { event, props: plain(props, (name) => KEY.test(name)) };
}

/**
 * A customer who is signed in: an id, and the fields that the policy declares.
 * @param {any} given
 * @param {string[]} names
 */
export function customerOf(given, names) {
  const id = given?.id;
  if (typeof id != "string" && typeof id != "number") return undefined;
  const fields = Object.entries(plain(given.fields, (name) => names.includes(name))).map(([name, value]) => [name, String(value)]);
  return { id: String(id).slice(0, LONGEST), fields: Object.fromEntries(fields) };
}
