/**
 * The visitors' log, as far as this page may keep it: what it tells, when that begins and ends. Nothing of it is in any
 * storage, and nothing that goes wrong here reaches the page.
 *
 * @typedef {import("../types").Told} Told
 */

import { pageOf, referrerOf } from "./address.js";
import { watchAttention } from "./attention.js";
import { watchAddress, watchLinks } from "./moves.js";
import { loadTime, newId, screenClass } from "./page.js";
import { createSender } from "./sender.js";
import { customerOf, eventOf } from "./told.js";
import { openWire } from "./wire.js";

/** A page that takes longer to load is told of without the time it took; ms. */
const LOADING = 8000;

/** Tabs that nobody looks at wait so long at least: two that begin at once, as when the visitor agrees in one, would be two visitors; ms. */
const BEHIND = 2000;

/** What may be told where only numbers of nobody are counted. */
const COUNTED = ["view", "blocked", "engagement"];

const HINTS = ["platformVersion", "model", "fullVersionList", "formFactors"];

/**
 * @template {any[]} Given
 * @param {(...given: Given) => unknown} run
 * @returns {(...given: Given) => void}
 */
const safe = (run) => (...given) => {
  try {
    run(...given);
  } catch {}
};

/** @param {import("../types").Store} store */
export function keepLog(store) {
  const { settings: { keeps = { query: [], customer: [], events: [] } }, visits } = store;
  const wire = openWire(store.settings);
  const sender = createSender({ head, post: wire.events, once: () => level != "full", later: (run, ms) => setTimeout(safe(run), ms) });
  /** @type {import("../types").Level} */
  let level = "";
  /** @type {AbortController | null} */
  let running = null;
  /** @type {ReturnType<typeof watchAttention> | null} */
  let attention = null;
  /** @type {any} */
  let hints;
  /** @type {any} */
  let customer;
  let page = "";
  let arrived = false;

  /** What each request says besides its events. */
  function head() {
    update();
    return level ? {
      choice: store.mark(), screen: screenClass(), webdriver: navigator.webdriver === true,
      debug: document.documentElement.dataset.consentDebug != null || undefined, hints, customer,
    } : null;
  }

  /** @param {string} event @param {Partial<Told>} [more] */
  function tell(event, more) {
    /** @type {Told} */
    const told = { id: newId(), event, time: Date.now(), url: page, ...more };
    if (level == "full" || level && COUNTED.includes(event)) sender.add(told);
    return told;
  }

  /** @param {string} href @param {boolean} [campaign] */
  const shown = (href, campaign) => pageOf(href, level == "full" ? keeps.query : [], campaign && level == "full");

  /** What the visitor gave the page since that was last told. */
  function tellAttention() {
    const seen = attention?.take();
    if (seen) tell("engagement", seen);
  }

  /** A page that a script has shown without loading one. */
  function moved() {
    const next = shown(location.href);
    if (next == page) return;
    tellAttention();
    const referrer = page;
    page = next;
    attention?.begin();
    tell("view", { referrer });
  }

  /** The page that the visitor arrived on, with where that was from; then the one that is shown, where that is another. */
  function arrive() {
    page = shown(location.href);
    if (arrived) return tell("view");
    arrived = true;
    const [from, referrer] = visits.arrived.map((one) => one.split("#")[0]);
    const same = pageOf(from) == pageOf(location.href.split("#")[0]);
    const first = tell("view", { url: shown(same ? from + location.hash : from, true), referrer: referrerOf(referrer), load: loadTime() });
    if (!same) tell("view", { referrer: shown(from) });
    return first;
  }

  /** What is told waits until the page has loaded, to say how long that took; a count waits until the page is left, for it may yet become a visitor's. */
  function begin() {
    const { signal } = running = new AbortController();
    attention = watchAttention(signal);
    const first = arrive();
    const release = safe(() => {
      first.load ??= loadTime();
      if (level == "full") sender.release();
    });
    const wait = document.hidden ? BEHIND * (1 + Math.random()) : 0;
    const soon = safe(() => setTimeout(() => signal.aborted || release(), wait));
    if (document.readyState == "complete") soon();
    else addEventListener("load", soon, { signal });
    setTimeout(() => signal.aborted || release(), LOADING);
    watch(signal);
    if (level != "full") return;
    watchLinks(safe((target) => tell("outbound", { target })), signal);
    hear();
    /** @type {any} */ (navigator).userAgentData?.getHighEntropyValues?.(HINTS).then(safe((/** @type {any} */ values) => {
      if (!signal.aborted) hints = Object.fromEntries(HINTS.map((name) => [name, values[name]]));
    }), () => {});
  }

  /** @param {AbortSignal} signal */
  function watch(signal) {
    watchAddress(safe(moved), signal);
    const hosts = new Set();
    const blocked = safe((/** @type {{ url: string }} */ { url }) => {
      const { host } = new URL(url);
      if (!hosts.has(host)) tell("blocked", { target: host });
      hosts.add(host);
    });
    store.violations.forEach(blocked);
    signal.addEventListener("abort", store.on("violation", blocked));
    const leave = safe(() => {
      tellAttention();
      sender.leave();
    });
    document.addEventListener("visibilitychange", () => document.hidden && leave(), { signal });
    addEventListener("pagehide", leave, { signal });
  }

  function end() {
    running?.abort();
    sender.clear();
    wire.stop();
    attention = running = hints = customer = null;
  }

  /** Follows what is allowed now. */
  function update() {
    const now = visits.level();
    if (now == level) return;
    if (level) arrived = level == "full"; // what was counted is told again as a visitor's; what a visitor took back, is not
    if (level == "full") wire.forget();
    level = now;
    end();
    if (level) begin();
  }

  /** What the page has told. */
  function hear() {
    if (level != "full") return;
    for (const [method, [given, props]] of visits.told.splice(0)) {
      if (method == "customer") customer = customerOf(given, keeps.customer);
      else {
        const event = eventOf(given, props, keeps.events);
        if (event) tell(event.event, { props: event.props });
      }
    }
  }

  store.on("change", safe(update));
  store.on("told", safe(hear));
  store.on("outcome", safe(({ applied }) => {
    if (applied != "reload") return;
    level = "";
    end(); // what this page would tell, the next one does
  }));
  addEventListener("pageshow", safe(({ persisted }) => {
    if (!persisted || !level) return;
    wire.stop(); // the answer to what was under way when the browser put the page away may never come
    attention?.begin();
    tell("view", { referrer: page }); // as a page of the site's own: the visit did not begin here
  }));
  safe(update)();
}
