/**
 * Bundle 1: as little as it takes to ask. Everything else comes with the second layer's bundle (`later.js`): at once on a
 * page whose visitor has decided before. On one that had to ask, its bytes are fetched when the browser is idle, and it
 * runs at the first sign of a person, or of anything on the page that it has work with.
 *
 * Loaded by the core once the service has answered, or, in the variant `tag`, by the owner's script element. The server
 * fills CONSENT_SETTINGS in.
 */

import { dress, keep, makeRoot } from "./banner/parts.js";
import { watchOpeners } from "./openers.js";
import { jar } from "./storage.js";
import { chooseLanguage } from "./texts.js";

/** @typedef {import("./types").Store} Store */
/** @typedef {import("./types").StoreEvent} StoreEvent */

/** Search engines do not choose, and must not index the question (UA-06). They stay under the strict policy. */
const CRAWLER = /(google|bing|yandex|apple|petal|duckduck|gpt|claude)bot|baiduspider|slurp/i;

const PENDING = "consent.pending";

/** What only `later.js` can show, or must watch: marked-up elements, and forms whose answer may not be loaded twice. */
const WORK = "[data-category],[data-service],[data-src],[method=post i]";

/** Signs of a person. */
const SIGNS = ["pointermove", "pointerdown", "keydown"];

/** Whether a frame is blocked, which wants a placeholder. @param {SecurityPolicyViolationEvent} violation */
const isFrame = ({ effectiveDirective }) => /^(frame|object)/.test(effectiveDirective);

/** How long a bundle may take to arrive, in ms. */
const PATIENCE = 10_000;

const settings = CONSENT_SETTINGS;
const win = /** @type {any} */ (window);

function start() {
  /** @type {import("./types").Core | null} */
  const core = win.consent?.core?.v == 1 ? win.consent.core : null;
  const nonce = core?.nonce || document.currentScript?.nonce || "";
  const language = chooseLanguage(settings.languages, [document.documentElement.lang, ...navigator.languages]);
  /** @type {[StoreEvent, (detail: any) => void][]} */
  let listeners = [];
  /** @type {Record<string, Promise<void> | undefined>} */
  const bundles = {};
  /** @type {Record<string, () => void>} */
  const arrived = {};
  /** @type {Record<string, (store: any) => any>} */
  const factories = {};
  /** @type {Record<string, import("./types").Layer>} */
  const layers = {};
  /** @type {Set<any>} */
  const touched = new Set();
  /** @type {[string, any[]][]} what the page asked for before there was anybody to ask */
  const q = Array.isArray(win.consent?.q) ? win.consent.q : [];
  /** @type {any} */
  let trusted, renewed;

  const trust = () => {
    const rules = { createScript: String, createScriptURL: String };
    return trusted ||= core?.trusted || win.trustedTypes?.createPolicy("consent", rules) || rules;
  };

  /** In the variant `tag` there is no core to load what is ours. @param {string} path */
  const loadAlone = async (path) => {
    const url = `${settings.base}/c/${path}`;
    if (!(await fetch(url)).ok) throw 0;
    const script = document.createElement("script");
    Object.assign(script, { crossOrigin: "", nonce, src: trust().createScriptURL(url) });
    document.head.append(script);
  };

  /** Resolves when the bundle of a layer has run; rejects when it cannot be had now. @param {"banner" | "preferences" | "choices"} name */
  const bundle = (name) => bundles[name] ||= new Promise((/** @type {(value?: any) => void} */ resolve, reject) => {
    arrived[name] = resolve;
    setTimeout(reject, PATIENCE);
    store.load(settings.layers[language][name]).catch(reject);
  }).catch((error) => {
    delete bundles[name];
    renewed ||= fetch(`${settings.base}/c/${settings.site}.js`, { cache: "reload" }).catch(() => {}); // it may name files of before an upgrade
    throw error;
  });

  /** Completes the store. */
  const equip = () => bundle("preferences").then(() => {
    const { later } = factories;
    delete factories.later;
    later?.(store);
    if (store.decide == early) throw 0;
  });

  /**
   * Refuses with nothing to decide with: a cookie that is no choice, no list, and a note that `transport.js` completes and sends once it can.
   * @param {string} control
   * @returns {import("./types").Outcome}
   */
  const refuse = (control) => {
    const { cookie: { name, domain } } = settings;
    jar.set(`${name}=;max-age=0;path=/`);
    jar.set(`${name}=0;max-age=15552000;path=/;samesite=lax;domain=${domain}`); // who has answered is not asked again
    /** @type {"now" | "reload" | "next"} */
    let applied = core?.list ? "next" : "now";
    try {
      delete localStorage["consent.list"];
      const waiting = localStorage[PENDING] || "";
      const id = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(22)).map((byte) => 97 + byte % 16));
      localStorage[PENDING] = (/}]$/.test(waiting) ? `${waiting.slice(0, -1)},` : "[") + `{"body":{"key":"${id}","control":"${control}","time":${Date.now()}},"tries":0}]`;
      store.pending = true;
      const { referrer } = document; // what answers a form is not asked for again: see page.js
      if (core?.list && !touched.size && !sessionStorage["consent.post"] && (!referrer || referrer.startsWith(`${location.origin}/`))) applied = "reload";
    } catch {}
    store.emit("change", { action: control });
    if (applied == "reload") location.reload();
    return { recorded: false, applied };
  };

  /** @type {Store["decide"]} */
  const early = (decision) => equip().then(() => store.decide(decision), () =>
    (/:"g"/.test(JSON.stringify(decision)) ? { recorded: false, applied: "not" } : refuse(decision.control)));

  /** Of what the page asked for, a refusal does not wait for what cannot be had. */
  const lost = () => {
    const said = q.filter(([method]) => /^(acc|rej|with)/.test(method)).pop();
    if (!said || said[0] == "accept") return;
    q.splice(0, q.length, ...q.filter(([method]) => /^[os]/.test(method)));
    refuse(said[0] == "reject" ? "api" : "withdraw");
  };

  /** @param {1 | 2 | 3} layer @param {Element | null} opener */
  const open = async (layer, opener) => {
    const name = layer == 1 ? "banner" : layer == 2 ? "preferences" : "choices";
    try {
      if (layer > 1) await equip();
      await bundle(name);
      (layers[name] ||= factories[name](store)).show(opener);
      if (layer == 1) store.emit("ask", {});
      return true;
    } catch {
      return false;
    }
  };

  // What the layers see before `later.js` completes it: a visitor who has not decided.
  const key = [/(?:^|; )consent_regime=(\w+)/.exec(jar.get())?.[1], settings.regime].find((one) => one && Object.hasOwn(settings.regimes, one)) || settings.strictest;
  const store = /** @type {Store} */ (/** @type {Partial<Store>} */ ({
    settings, core, language, nonce, trust,
    load: (path) => (core ? core.load : loadAlone)(path.slice("/c/".length)),
    regime: { ...settings.regimes[key], key },
    gpc: /** @type {any} */ (navigator).globalPrivacyControl === true,
    choice: null, pending: false, touched, violations: [], parts: { makeRoot, dress, keep },
    text: () => "",
    status: () => "unset",
    allows: (name) => settings.purposes.some((purpose) => purpose.key == name && purpose.required),
    excessive: () => !!core?.list,
    decide: early,
    show: (layer) => open(layer, document.activeElement),
    attach(name, factory) {
      factories[name] = factory;
      arrived[name]?.();
    },
    on(type, listener) {
      listeners.push([type, listener]);
      return () => { listeners = listeners.filter(([, other]) => other != listener); };
    },
    emit(type, detail) {
      for (const [heard, listener] of listeners) {
        try {
          if (heard == type) listener(detail);
        } catch (error) {
          reportError(error); // another's mistake is told, and ends nothing of ours
        }
      }
    },
  }));

  /** Whether somebody is there who must be asked first, and has not answered. */
  const mustAsk = () => top == self && store.regime.model == "opt-in" && !store.choice && !store.pending
    && settings.purposes.some(({ required }) => !required) && !CRAWLER.test(navigator.userAgent);

  const first = mustAsk() && !jar.get().includes(`${settings.cookie.name}=`);
  if (first) bundle("banner").catch(() => {}); // on its way while the page is still being read
  store.asked = first;
  const whenReady = async () => {
    const equipped = first || await equip().then(() => true, lost); // without it nobody knows whether the visitor has decided
    if (equipped && mustAsk()) await open(1, null);
    if (first) (win.requestIdleCallback || setTimeout)(prepare, { timeout: 2000 });
  };

  const run = () => equip().catch(lost);

  /** The page is idle, the question asked: what comes next is near at hand, and runs where there is something for it to do. */
  const prepare = () => {
    for (const sign of SIGNS) addEventListener(sign, run, { once: true, capture: true, passive: true });
    if (q.length || settings.telemetry?.counts || store.gpc && store.regime.signal_shown || document.querySelector(WORK) || core?.violations.some(isFrame)) {
      run();
      return;
    }
    addEventListener("securitypolicyviolation", (event) => isFrame(event) && run());
    addEventListener("storage", run);
    addEventListener("pageshow", ({ persisted }) => persisted && run());
    document.addEventListener("prerenderingchange", run);
    fetch(settings.base + settings.layers[language].preferences, /** @type {any} */ ({ priority: "low" })).then((answer) => answer.arrayBuffer()).catch(() => {});
  };
  if (top == self) watchOpeners(store, run); // frames follow the page that holds them

  addEventListener("input", (event) => {
    if (event.isTrusted && !/^CONSENT-/.test(/** @type {Element} */ (event.target).tagName)) touched.add(event.composedPath()[0]);
  }, true);
  /** @type {any} */
  const stub = { q, attach: store.attach, get: (/** @type {any} */ key) => (key == null ? Object.fromEntries(settings.purposes.map((one) => [one.key, one.required])) : store.allows(key)) };
  for (const name of "show accept reject withdraw on track customer".split(" ")) stub[name] = (/** @type {any[]} */ ...args) => {
    q.push([name, args]);
    if (!/^[oct]/.test(name)) run();
  };
  win.consent = Object.assign(Array.isArray(win.consent?.q) ? win.consent : {}, stub);
  if (document.readyState == "loading") addEventListener("DOMContentLoaded", whenReady);
  else whenReady();
}

if (typeof win.consent?.attach != "function") start();
