/**
 * What comes with the second layer's bundle: the state of the choice, all that decides, puts right, and starts what was
 * held back. Completes the store that the bootstrap made.
 */

import { exposeApi } from "./api.js";
import { attach as attachControl } from "./control.js";
import { createDecisions } from "./decisions.js";
import { guardHead } from "./hooks.js";
import { json } from "./json.js";
import { newKey } from "./key.js";
import { releaseMarked } from "./marked.js";
import { watchPage } from "./page.js";
import { attach as attachPlaceholders } from "./placeholders.js";
import { expire, purge } from "./purge.js";
import { jar, local } from "./storage.js";
import { createState, LIST } from "./store.js";
import { fillText } from "./texts.js";
import { watchViolations } from "./violations.js";
import { watchVisits } from "./visits.js";

/** @typedef {import("./types").Store} Store */

/** How our policies begin; a page may have others. */
const OURS = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:";

/** @param {import("./types").Settings} settings @returns {import("./types").Surroundings} */
const surroundings = ({ base, site }) => ({
  expire, purge, key: newKey,
  secure: location.protocol == "https:",
  later: (run, ms) => setTimeout(run, ms),
  sleep: (ms) => new Promise((done) => { setTimeout(done, ms); }),
  refresh: () => fetch(`${base}/c/${site}.js`, { cache: "reload" }).catch(() => {}),

  async lock(run) {
    /** @type {Promise<void> | undefined} */
    let started;
    const start = () => started ||= run();
    await navigator.locks?.request("consent", { signal: AbortSignal.timeout(12_000) }, start).catch(() => {});
    await start(); // where there are no locks, or another tab keeps its own for too long
  },

  async post(body) {
    const answer = await fetch(`${base}/v1/${site}/consent`, {
      method: "POST", body: json(body), keepalive: true, signal: AbortSignal.timeout(10_000), headers: { "Content-Type": "text/plain" },
    });
    return { status: answer.status, wait: Number(answer.headers.get("retry-after")) || 0, data: await answer.json().catch(() => null) };
  },
});

/**
 * Tells once a page that the first layer came up, where the law lets that be counted: no more than which notice it was.
 * @param {Store} store
 */
function countShown({ settings: { base, site, layers }, regime, language, asked, on }) {
  let told = !regime.shown;
  const tell = () => {
    if (told) return;
    told = true;
    try {
      navigator.sendBeacon(`${base}/v1/${site}/shown`, json({ notice: layers[language].notice, layer: 1, regime: regime.key, language }));
    } catch {}
  };
  on("ask", tell);
  if (asked && document.querySelector("consent-banner")) tell();
}

/** @param {Store} store */
function complete(store) {
  const { settings, core } = store;
  try {
    Object.assign(settings, CONSENT_DETAILS);
  } catch {} // a server that puts everything into the settings fills nothing in here

  const page = watchPage(store.touched);
  const { gpc, language, emit } = store;
  const state = createState(settings, core, { jar, local, page, gpc, language, emit, now: Date.now });
  const decisions = createDecisions(state, surroundings(settings));
  Object.defineProperties(store, Object.getOwnPropertyDescriptors(state));
  store.decide = decisions.decide;
  store.text = (name, values) => fillText(settings.ui[language], name, values);

  const settle = () => {
    if (state.unsettled() || page.changed) decisions.repair();
  };
  /** @param {boolean} shown */
  const reconsider = (shown) => {
    state.reconsider(shown);
    settle();
    if (shown) decisions.resume(); // what another tab has decided, that tab sends
  };

  /**
   * Another tab has decided. Where tabs have processes of their own (WebKit), its list may be here before its cookie is:
   * what were set right by the older cookie would be the older choice.
   */
  const hear = (tries = 40) => {
    if (tries && state.early()) setTimeout(() => hear(tries - 1), 50);
    else reconsider(false);
  };

  const overtaken = state.overtaken();
  settle();
  decisions.resume();
  if (overtaken) state.conclude(true, state.mark());
  if (core?.list) guardHead(OURS);
  watchViolations(store, OURS);
  addEventListener("online", decisions.resume);
  addEventListener("storage", ({ key }) => (key == LIST || key == null) && hear());
  addEventListener("pageshow", ({ persisted }) => persisted && reconsider(true));
  document.addEventListener("prerenderingchange", () => reconsider(true));

  attachPlaceholders(store);
  if (top == self) attachControl(store); // frames follow the page that holds them
  releaseMarked(state, store);
  countShown(store);
  watchVisits(store);
  exposeApi(store);
  if (store.asked && state.choice) { // made while this page was asking: in another tab, or on a page that the visitor comes back from
    emit("change", { action: "elsewhere" });
    if (!document.hidden) state.reconsider(true);
  }
}

/** @type {any} */ (window).consent.attach("later", complete);
