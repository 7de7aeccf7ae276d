/**
 * The one state of the widget: what the visitor decided, what it allows on this page, and what a change would take.
 *
 * It reads and never writes; `decisions.js`, which comes with a later bundle, writes and talks to the service. What is
 * not pure is handed in with `env`, so that tests run the same machine without a browser.
 *
 * @typedef {import("./types").Choice} Choice
 * @typedef {import("./types").Outcome} Outcome
 * @typedef {import("./rules.js").Letters} Letters
 * @typedef {ReturnType<typeof createState>} State
 */

import { checksum, decode, encode, values } from "./cookie.js";
import { listText } from "./list.js";
import { allLetters, asked, inForce, lifetime, optional, own, regimeKey, runs, status } from "./rules.js";

export const LIST = "consent.list";
export const PENDING = "consent.pending";
export const DAY = 86_400_000;

/**
 * @param {import("./types").Settings} settings
 * @param {import("./types").Core | null} core
 * @param {import("./types").View} env
 */
export function createState(settings, core, env) {
  const { name } = settings.cookie;
  const edge = values(env.jar.get(), "consent_regime").join();
  const key = regimeKey(settings, edge);
  const regime = { ...settings.regimes[key], key };
  /** @type {(() => boolean)[]} */
  const watches = [];
  /** @type {Choice | null} what holds: the visitor's choice, or the default of an opt-out regime */
  let effective = null;
  /** @type {string | null} the tokens that go with it; null when they must be composed anew */
  let tokens = null;
  /** @type {string | null} the list that is stored with it */
  let listed = null;

  const today = () => Math.floor(env.now() / DAY);

  /** Whether a choice that was read still counts. @param {Choice} choice */
  function counts(choice) {
    const age = today() - choice.day;
    const same = choice.scope == settings.scope || own(settings.since, choice.scope) == "same";
    if (age < -1 || age >= lifetime(settings, regime, choice)) return false;
    if (choice.regime) return same && regime.model == "opt-out" && edge == choice.regime;
    if (regime.model == "opt-out") return true; // an opt-out is not forgotten because services were added
    return same && (!!env.local.get(PENDING) || optional(settings).every((purpose) => own(choice.purposes, purpose.key)));
  }

  /** Takes over a choice and the text of its list. @param {Choice | null} choice @param {string | null} text */
  function adopt(choice, text) {
    effective = choice;
    listed = text;
    tokens = choice && text != null ? text.split("|")[env.gpc && !choice.gpc ? 1 : 0] : null;
  }

  /** Reads what is stored. */
  function restore() {
    const held = values(env.jar.get(), name);
    const choice = held.length == 1 ? decode(held[0]) : null;
    const [stored, text] = (env.local.get(LIST) || "").split(/ (.*)/s);
    adopt(choice && counts(choice) ? choice : null, choice && stored == held[0] && checksum(text) == choice.sum ? text : null);
  }

  /** Whether `decisions.js` has something to do: send, compose, merge, set a default. */
  const unsettled = () => !!env.local.get(PENDING) || values(env.jar.get(), name).length > 1
    || (effective ? tokens == null || effective.scope != settings.scope || listed != listText(settings, effective)
        || !!effective.regime && env.gpc && !effective.gpc
      : !!env.local.get(LIST) || regime.model == "opt-out" && edge == key);

  /** The letters that hold, under the signal as it is. A default that the core was not told of opens nothing. @returns {Letters} */
  const letters = () => (effective ? inForce(settings, effective, env.gpc)
    : regime.model == "opt-in" || core ? allLetters(settings, "d") : inForce(settings, { ...allLetters(settings, "g"), gpc: false }, env.gpc));

  const choice = () => (effective?.regime ? null : effective);

  /** Whether a purpose or service may run on this page, now: allowed, and let through. @param {string} wanted */
  function allows(wanted) {
    const held = letters();
    const open = core && core.list != "*" ? core.list.split(" ") : null;
    if (settings.purposes.some((purpose) => purpose.key == wanted)) {
      if (!runs(settings, held, { key: "", purposes: [wanted] })) return false;
      const sources = open ? awaited(held, wanted) : [];
      return !sources.length || sources.some((source) => open?.includes(source));
    }
    const service = settings.services.find((one) => one.key == wanted);
    if (!service || !runs(settings, held, service)) return false;
    return !open || !asked(settings, service).length || service.sources.every((source) => open.includes(source));
  }

  /** The sources of a purpose that what is allowed opens on the next page, if not on this. @param {Letters} held @param {string} purpose */
  function awaited(held, purpose) {
    const running = settings.services.filter((service) => service.purposes.includes(purpose) && asked(settings, service).length && runs(settings, held, service));
    if (!running.length) return [];
    const list = (tokens ?? listText(settings, held).split("|")[0]).split(" ");
    return running.flatMap(({ sources }) => sources).filter((source) => list[0] == "*" || list.includes(source));
  }

  /** Whether this page runs under what the choice allows. */
  const current = () => !core || core.list == (tokens || "");

  /** Whether something may run on this page that may no more. */
  const excessive = () => watches.some((ask) => ask()) || !!core?.list && (!effective || tokens != null && tokens != "*")
    && core.list.split(" ").some((token) => !tokens?.split(" ").includes(token));

  /** Whether the choice was narrowed, as in another tab, after the core had read it and before anybody here could hear of that. */
  const overtaken = () => !!core?.list && excessive() && values(env.jar.get(), name).join() != core.key;

  /** Whether the list has come and its cookie has not yet. */
  const early = () => {
    const stored = env.local.get(LIST);
    return !!stored && !values(env.jar.get(), name).includes(stored.split(" ")[0]);
  };

  /**
   * Brings the page to what holds: a policy in force can be replaced only by a reload.
   * @param {boolean} recorded
   * @param {string} cause the decision, which may reload the page but once
   * @param {Partial<Facts>} [known] facts that are otherwise found out
   * @returns {Outcome}
   */
  function conclude(recorded, cause, known) {
    const kept = !effective || values(env.jar.get(), name).join() == mark() && env.local.get(LIST) != null;
    const differs = !current() || excessive();
    const outcome = { recorded, applied: howToApply({ differs, ran: !core?.late, kept, ...env.page.facts(cause), ...known }) };
    env.emit("outcome", outcome);
    if (outcome.applied != "now") env.page.change(cause, outcome.applied == "reload");
    return outcome;
  }

  /** What holds, in one line. */
  const mark = () => (effective ? encode(effective) : "");

  restore();
  return {
    settings, core, regime, env, today, edge,
    get choice() { return choice(); },
    get pending() { return !!env.local.get(PENDING); },
    /** @param {string} purpose */
    status: (purpose) => status(settings, choice(), env.gpc, purpose),
    effective: () => effective,
    counts, adopt, restore, unsettled, letters, allows, current, excessive, overtaken, early, conclude, mark,
    /** @param {() => boolean} ask whether something runs that may not */
    watch: (ask) => void watches.push(ask),

    /**
     * Another tab, the back-forward cache, a prerendered page: the choice may have changed since this page began.
     * @param {boolean} shown it has just come into view, so that it may be brought up to date in both directions
     */
    reconsider(shown) {
      const before = mark();
      restore();
      if (mark() != before) env.emit("change", { action: "elsewhere" });
      if (shown ? !current() || excessive() : excessive()) conclude(true, mark());
    },
  };
}

/**
 * When a choice takes effect on a page that is there already.
 * @typedef {object} Facts
 * @property {boolean} differs the page does not run under what the choice allows
 * @property {boolean} ran the core could decide about this page, and so can after a reload
 * @property {boolean} kept a reload would find the choice
 * @property {boolean} leaving the visitor is on the way to another page, or sends a form: a reload would cancel that
 * @property {boolean} typed the visitor has entered something that a reload would lose
 * @property {boolean} posted the page answers a form, which a reload would send again
 * @property {boolean} done this decision has reloaded the page before, or came too late to
 *
 * @param {Facts} facts
 * @returns {Outcome["applied"]}
 */
export function howToApply({ differs, ran, kept, leaving, typed, posted, done }) {
  if (!differs) return "now";
  return ran && kept && !leaving && !typed && !posted && !done ? "reload" : "next";
}
