/**
 * Decides: puts refusals into force at once, grants once the service has recorded them, and sets right what is stored.
 *
 * @typedef {import("./types").Choice} Choice
 * @typedef {import("./types").Decision} Decision
 * @typedef {import("./types").Outcome} Outcome
 * @typedef {import("./rules.js").Letters} Letters
 * @typedef {import("./transport.js").Body} Body
 */

import { checksum, decode, encode, read, values } from "./cookie.js";
import { listText } from "./list.js";
import { allLetters, asked, both, lifetime, optional, own, runs, underSignal } from "./rules.js";
import { DAY, LIST } from "./store.js";
import { createTransport } from "./transport.js";

/** How long a click waits for the service, in ms: a withdrawal must not hang on it, a grant can. */
const PATIENCE = { less: 3000, more: 10_000 };

/** A retry that succeeds later than this after the page began does not reload it under the reader's eyes; ms. */
const FRESH = 5000;

/** Whether letters allow anything. @param {Letters} letters */
const granted = ({ purposes, services }) => [...Object.values(purposes), ...Object.values(services)].includes("g");

/**
 * @param {import("./store.js").State} state
 * @param {import("./types").Surroundings} world
 */
export function createDecisions(state, world) {
  const { settings, env, regime } = state;
  const { name, domain } = settings.cookie;
  const began = env.now();
  const marked = state.pending;
  const transport = createTransport({ ...world, local: env.local, rest }, settled, lapsed);
  if (marked && !state.pending) state.restore(); // the mark was nobody's: half a choice that it let count, counts no more
  /** @type {{ said: string, outcome: Promise<Outcome> } | null} */
  let asking = null;

  /** @param {number} [day] @returns {Choice} */
  const blank = (day = state.today()) => ({ day, scope: settings.scope, gpc: env.gpc, regime: "", purposes: {}, services: {}, sum: "0" });

  /** Stores a choice, cookie first: its list is what tells other tabs. @param {Choice} wanted */
  function keep(wanted) {
    const fill = (/** @type {Choice} */ choice) => ({ ...choice, scope: settings.scope, sum: checksum(listText(settings, choice)) });
    let choice = fill(wanted);
    if (!encode(choice)) choice = fill({ ...blank(), ...allLetters(settings, "d") }); // too long for a cookie: nothing is allowed
    const [value, text] = [encode(choice), listText(settings, choice)];
    const held = values(env.jar.get(), name);
    if (held.length > 1) world.expire(name);
    if (held.join() != value) {
      const age = (choice.day + lifetime(settings, regime, choice) - state.today()) * 86_400;
      env.jar.set(`${name}=${value};path=/;max-age=${age};samesite=lax${world.secure ? ";secure" : ""}${domain && `;domain=${domain}`}`);
    }
    if (env.local.get(LIST) != `${value} ${text}`) env.local.set(LIST, `${value} ${text}`);
    state.adopt(choice, text);
  }

  /** Notes that the visitor has answered, and nothing is granted yet. It is no choice; the next page's bootstrap does not ask. */
  const note = () => env.jar.set(`${name}=0;path=/;max-age=15552000;samesite=lax${world.secure ? ";secure" : ""}${domain && `;domain=${domain}`}`);

  /** Sets right what the core and the state could not use: two cookies, a lost or stale list, a missing default. */
  function repair() {
    const before = state.mark();
    const stored = read(env.jar.get(), name);
    if (stored && state.counts(stored)) keep(signalled(narrowed(stored)));
    else if (regime.model == "opt-out" && state.edge == regime.key) {
      keep(signalled(narrowed({ ...blank(), gpc: false, regime: regime.key, ...allLetters(settings, "g") })));
    }
    else {
      env.local.set(LIST, null);
      state.adopt(null, null);
      if (!stored && !state.pending && values(env.jar.get(), name).length) world.expire(name);
    }
    if (state.choice) sweep(state.letters());
    if (state.mark() != before) env.emit("change", { action: "restored" });
  }

  /** A choice without what the newest decision that waits refuses: the cookie may be an older decision's. @param {Choice} choice @returns {Choice} */
  function narrowed(choice) {
    const newest = transport.newest();
    return newest ? { ...choice, ...both(settings, choice, complete({ ...rest(), ...newest })) } : choice;
  }

  /** A default under the signal refuses what that covers, and goes on to when the signal is gone (US-04). @param {Choice} choice @returns {Choice} */
  const signalled = (choice) => (choice.regime && env.gpc && !choice.gpc
    ? { ...choice, gpc: true, ...complete(underSignal(settings, choice)) } : choice);

  /** Removes what services left that are refused. @param {Letters} letters */
  function sweep(letters) {
    const may = settings.services.filter((service) => runs(settings, letters, service));
    world.purge(settings.services.filter((service) => !may.includes(service)), may, [name, "consent_regime"]);
  }

  /** A decision, or a body that comes back from storage, as letters for every purpose; unknown keys are dropped. @param {any} said @returns {Letters} */
  function complete(said) {
    /** @type {Letters} */
    const result = { purposes: Object.create(null), services: Object.create(null) };
    for (const { key } of optional(settings)) {
      const letter = own(said.purposes || {}, key);
      result.purposes[key] = /^[gdwo]$/.test(letter) ? letter : own(state.effective()?.purposes || {}, key) || "d";
    }
    for (const service of settings.services) {
      const letter = own(said.services || {}, service.key);
      if (asked(settings, service).length && /^[gd]$/.test(letter) && (letter == "g") != runs(settings, result, service)) {
        result.services[service.key] = letter;
      }
    }
    return result;
  }

  /** What a body says beside control and time: where the bootstrap made it, a refusal of everything that shows no notice. */
  function rest() {
    const { version, hash, scope } = settings;
    return { version, hash, scope, layer: 0, language: env.language, notice: "", ...allLetters(settings, "d"),
      regime: regime.key, gpc: env.gpc, widget: CONSENT_VERSION };
  }

  /** @param {Letters} wanted @param {Decision} decision @returns {Body} */
  function bodyOf(wanted, { control, layer }) {
    return { key: world.key(), ...rest(), control, layer, notice: layer ? settings.layers[env.language].notice : "", ...wanted, time: env.now() };
  }

  /** @param {Decision} decision @returns {Promise<Outcome>} */
  function decide(decision) {
    const wanted = complete(decision);
    const said = JSON.stringify(wanted);
    if (asking?.said == said) return asking.outcome; // the same button twice is one decision
    const mine = asking = { said, outcome: carryOut(wanted, bodyOf(wanted, decision)) };
    return mine.outcome.finally(() => { if (asking == mine) asking = null; });
  }

  /** @param {Letters} wanted @param {Body} body */
  async function carryOut(wanted, body) {
    const sent = transport.send(body); // first, for only what waits lets an incomplete choice count
    const before = state.effective();
    const interim = both(settings, before ? state.letters() : blank(), wanted);
    const mark = before && granted(interim) ? before.regime : ""; // grants of a default stay one until a choice is recorded
    if (before || Object.values(wanted.purposes).some((letter) => letter != "g")) keep({ ...blank(), regime: mark, ...interim });
    else note();
    sweep(wanted);
    env.emit("change", { action: body.control });
    const result = await Promise.race([sent, world.sleep(state.excessive() ? PATIENCE.less : PATIENCE.more)]);
    if (result == "elsewhere") state.restore();
    const said = state.effective();
    const recorded = result == "recorded" || result == "elsewhere" && !!said && listText(settings, said) == listText(settings, wanted);
    return state.conclude(recorded, body.key);
  }

  /** @type {Parameters<typeof createTransport>[1]} */
  function settled(body, result, answer, last) {
    if (!last) return hold();
    const known = body.scope == settings.scope || own(settings.since, body.scope) == "same"; // else the question was another
    if (result == "recorded" && known) {
      const ours = { ...blank(Math.floor(body.time / DAY) || undefined), gpc: body.gpc === true, ...complete(body) };
      const theirs = decode(String(answer?.data.cookie)); // perhaps set by HTTP already: then it is not written again
      const same = theirs && !theirs.regime && theirs.scope == ours.scope && listText(settings, theirs) == listText(settings, ours)
        && Math.abs(theirs.day - ours.day) <= 1; // by a clock of this machine that is wrong, the service's day would not count
      keep(same ? theirs : ours);
    } else repair();
    env.emit("change", { action: body.control });
    if (result == "outdated") world.refresh().then(() => state.conclude(false, body.key, { differs: true }));
    else if (!asking) state.conclude(result == "recorded", body.key, env.now() - began > FRESH ? { done: true } : {});
  }

  /** An answer may have set its own cookie by HTTP, while a later decision waits: what holds is put back. */
  function hold() {
    const held = state.effective();
    if (held) return keep(narrowed(held));
    if (values(env.jar.get(), name).length) world.expire(name);
    note();
  }

  /** Another tab has settled this decision, and perhaps a later one, before its answer came here: nothing but what both stores allow holds. */
  function lapsed() {
    const [stored] = (env.local.get(LIST) || "").split(" ");
    const held = decode(stored) && read(`${env.jar.get()};${name}=${stored}`, name);
    if (held && state.counts(held)) keep(narrowed(held));
    state.reconsider(false);
  }

  return { decide, repair, resume: transport.resume };
}
