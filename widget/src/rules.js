/**
 * What a choice allows: the truth table of purposes and services under every regime and signal, and which service a
 * source belongs to (`covers`: vectors in `tests/vectors/csp.json`). Pure: the clock, the browser's signals and its
 * storage are handed in.
 *
 * @typedef {import("./types").Settings} Settings
 * @typedef {import("./types").Service} Service
 * @typedef {import("./types").Choice} Choice
 * @typedef {import("./types").Letter} Letter
 * @typedef {import("./types").Status} Status
 * @typedef {Pick<Choice, "purposes" | "services">} Letters
 */

/** @type {Record<Letter, Status>} */
const STATUS = { g: "granted", d: "denied", w: "withdrawn", o: "objected" };

/**
 * A key's value; undefined for what an object merely inherits.
 * @template T
 * @param {Record<string, T>} record
 * @param {string} key
 * @returns {any}
 */
export const own = (record, key) => (Object.hasOwn(record, key) ? record[key] : undefined);

/** @param {string} token */
const parts = (token) => /** @type {string[]} */ (/^(wss:\/\/)?([^/]*)(.*)$/.exec(token));

/**
 * Whether source `a` lets through all that source `b` does: docs/formats.md, section 3.
 * @param {string} a
 * @param {string} b
 */
export function covers(a, b) {
  const [, socketA, hostA, pathA] = parts(a);
  const [, socketB, hostB, pathB] = parts(b);
  return socketA == socketB
    && (hostA == hostB || hostA.startsWith("*.") && hostB.endsWith(hostA.slice(1)))
    && (pathA.length < 2 || pathA == pathB || pathA.endsWith("/") && pathB.startsWith(pathA));
}

/** Purposes that may be refused. @param {Settings} settings */
export const optional = (settings) => settings.purposes.filter((purpose) => !purpose.required);

/**
 * A service's purposes that may be refused; none for a service that is always on.
 * @param {Settings} settings
 * @param {Pick<Service, "purposes">} service
 */
export const asked = (settings, { purposes }) => purposes.filter((key) => !settings.purposes.some((purpose) => purpose.key == key && purpose.required));

/**
 * The same letter for every purpose that may be refused.
 * @param {Settings} settings
 * @param {Letter} letter
 * @returns {Letters}
 */
export const allLetters = (settings, letter) => ({ purposes: Object.fromEntries(optional(settings).map(({ key }) => [key, letter])), services: {} });

/**
 * The letters with all that the opt-out signal covers denied.
 * @param {Settings} settings
 * @param {Letters} letters
 * @returns {Letters}
 */
export function underSignal(settings, letters) {
  const purposes = { ...letters.purposes };
  const services = { ...letters.services };
  const covered = optional(settings).filter(({ gpc }) => gpc).map(({ key }) => key);
  for (const key of covered) purposes[key] = "d";
  for (const { key, purposes: of } of settings.services) if (of.some((one) => covered.includes(one))) services[key] = "d";
  return { purposes, services };
}

/**
 * Whether the letters let a service run: decided by itself, or by each purpose that may be refused.
 * @param {Settings} settings
 * @param {Letters} letters
 * @param {Pick<Service, "key" | "purposes">} service
 */
export function runs(settings, letters, service) {
  const said = own(letters.services, service.key);
  return said ? said == "g" : asked(settings, service).every((key) => own(letters.purposes, key) == "g");
}

/**
 * What holds of a choice while the signal is as it is: a choice made under the signal stands.
 * @param {Settings} settings
 * @param {Letters & { gpc: boolean }} choice
 * @param {boolean} gpc
 */
export const inForce = (settings, choice, gpc) => (gpc && !choice.gpc ? underSignal(settings, choice) : choice);

/**
 * A purpose's state. Unset purposes that the signal covers are denied.
 * @param {Settings} settings
 * @param {Choice | null} choice
 * @param {boolean} gpc
 * @param {string} key
 * @returns {Status}
 */
export function status(settings, choice, gpc, key) {
  const purpose = settings.purposes.find((one) => one.key == key);
  if (!purpose) return "unset";
  if (purpose.required) return "granted";
  /** @type {Letter | null} */
  const letter = choice && own(choice.purposes, key);
  if (gpc && purpose.gpc && !(letter && choice?.gpc)) return "denied";
  return letter ? STATUS[letter] : "unset";
}

/**
 * Only what both allow: what may hold of a new choice before the service has recorded it.
 * @param {Settings} settings
 * @param {Letters} old
 * @param {Letters} wanted
 * @returns {Letters}
 */
export function both(settings, old, wanted) {
  /** @type {Letters} */
  const result = { purposes: Object.create(null), services: Object.create(null) };
  for (const { key } of optional(settings)) {
    const letter = own(wanted.purposes, key);
    const kept = letter == "g" ? own(old.purposes, key) : letter;
    if (kept) result.purposes[key] = kept;
  }
  for (const service of settings.services) {
    const may = runs(settings, old, service) && runs(settings, wanted, service);
    if (may != runs(settings, result, service)) result.services[service.key] = may ? "g" : "d";
  }
  return result;
}

/**
 * For how many days a choice holds. A refusal, and any choice where the law is opt-out, is not asked again before the
 * law's own time (CNIL and Garante: six months; Cal. Civ. Code 1798.135(c)(4): twelve).
 * @param {Settings} settings
 * @param {import("./types").Regime} regime
 * @param {Letters} choice
 */
export function lifetime(settings, regime, choice) {
  const granted = [...Object.values(choice.purposes), ...Object.values(choice.services)].includes("g");
  return granted && regime.model == "opt-in" ? settings.days : Math.max(settings.days, regime.reask_days);
}

/**
 * The regime: what a front or edge says by cookie, else what the service saw, else the strictest.
 * @param {Settings} settings
 * @param {string} said
 */
export const regimeKey = (settings, said) => [said, settings.regime || ""].find((key) => own(settings.regimes, key)) || settings.strictest;

/**
 * The declared service that a URL belongs to: the one with the longest source that lets it through.
 * @param {Settings} settings
 * @param {string} url
 */
export function serviceOf(settings, url) {
  const source = url.replace(/^(ws):/, "wss:").replace(/^https?:\/\//, "").replace(/[?#].*/s, "");
  let longest = "";
  /** @type {Service | null} */
  let found = null;
  for (const service of settings.services) {
    for (const token of service.sources) {
      if (token.length > longest.length && covers(token, source)) [longest, found] = [token, service];
    }
  }
  return found;
}
