/** A small world for the widget's machine: a browser's stores, pages that come and go, and a service that may fail. */

import { createDecisions } from "../src/decisions.js";
import { createState } from "../src/store.js";
import { decode, encode } from "../src/cookie.js";
import { listText } from "../src/list.js";
import { checksum } from "../src/cookie.js";

globalThis.CONSENT_VERSION = "test";

export const SETTINGS = {
  site: "demo", base: "https://c.example", version: 3, hash: "h", scope: "ab12cd34", since: {}, days: 180,
  cookie: { name: "consent", domain: "" }, everything: false, regime: null, strictest: "eu",
  regimes: {
    eu: { model: "opt-in", reask_days: 180, gpc: "deny", signal_shown: false },
    us: { model: "opt-out", reask_days: 365, gpc: "deny", signal_shown: true },
  },
  languages: ["en"], layers: { en: { banner: "/c/b.js", preferences: "/c/p.js", notice: "n" } }, ui: { en: {} },
  purposes: [
    { key: "necessary", required: true, gpc: false }, { key: "statistics", required: false, gpc: false },
    { key: "marketing", required: false, gpc: true },
  ],
  services: [
    { key: "stripe", name: "Stripe", purposes: ["necessary"], sources: ["js.stripe.com"], cookies: [], storage: [], kind: "payment" },
    { key: "count", name: "Count", purposes: ["statistics"], sources: ["count.example"], cookies: ["_c", "_c_*"], storage: ["local:c"], kind: "analytics" },
    { key: "ads", name: "Ads", purposes: ["marketing"], sources: ["ads.example/pixel/"], cookies: ["_ad"], storage: [], kind: "ads" },
    { key: "video", name: "Video", purposes: ["marketing"], sources: ["video.example/embed/"], cookies: [], storage: [], kind: "video" },
  ],
  control: { position: "none" }, theme: {},
};

export const ALL = { purposes: { statistics: "g", marketing: "g" }, services: {}, control: "accept", layer: 1 };
export const NONE = { purposes: { statistics: "d", marketing: "d" }, services: {}, control: "reject", layer: 1 };

/** A service that keeps a log and repeats its answers, as docs/formats.md, section 6, wants it. */
export class Service {
  log = [];
  answers = new Map();
  receipts = new Map();
  scope = SETTINGS.scope;

  post(body) {
    const known = this.answers.get(body.key);
    if (known) return known.text == JSON.stringify(body) ? { ...known.answer, status: 200 } : error(409, "key_reused");
    if (body.scope != this.scope) return error(409, "policy_outdated");
    if (body.receipt && this.receipts.get(body.receipt) != body.write_key) return error(403, "wrong_write_key");
    const receipt = body.receipt || `r${this.receipts.size}`;
    const writeKey = body.write_key || `k${this.receipts.size}`;
    this.receipts.set(receipt, writeKey);
    const letters = { purposes: body.purposes, services: body.services };
    const choice = { day: Math.floor(body.time / 86_400_000), scope: body.scope, gpc: body.gpc, regime: "", ...letters, sum: checksum(listText(SETTINGS, letters)) };
    const answer = { status: 201, wait: 0, data: { id: `id${this.log.length}`, receipt, write_key: writeKey, cookie: encode(choice) } };
    this.log.push(body);
    this.answers.set(body.key, { text: JSON.stringify(body), answer });
    return answer;
  }
}

const error = (status, code) => ({ status, wait: 0, data: { error: code } });

/** One browser: what it stores outlives its pages. `deliver` brings a body to the service, or loses it. */
export class Browser {
  cookies = new Map();
  storage = new Map();
  gpc = false;
  time = Date.UTC(2026, 10, 20);
  keys = 0;
  purged = [];

  constructor(service, { settings = SETTINGS, lock = (run) => run(), deliver = async (body) => service.post(JSON.parse(JSON.stringify(body))) } = {}) {
    Object.assign(this, { service, settings, lock, deliver });
  }

  jar = {
    get: () => [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    set: (line) => {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/max-age=(0|-)/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    },
  };
  local = {
    get: (key) => this.storage.get(key) ?? null,
    set: (key, value) => (value == null ? this.storage.delete(key) : this.storage.set(key, String(value))),
  };

  /** What the core would apply on a page that begins now. */
  coreList() {
    const choice = decode(this.cookies.get("consent") ?? "");
    const [value, text] = (this.storage.get("consent.list") ?? "").split(/ (.*)/s);
    if (!choice || value != this.cookies.get("consent") || checksum(text) != choice.sum) return "";
    if (choice.regime && choice.regime != this.cookies.get("consent_regime")) return "";
    return text.split("|")[this.gpc && !choice.gpc ? 1 : 0];
  }

  /** A page begins. @returns the machine, with `events`, `reloads` and `timers` of that page */
  open({ core = true, typed = false, posted = false, leaving = false, wait = 5 } = {}) {
    const page = { events: [], reloads: [], timers: [] };
    const coreState = core ? { v: 1, key: "", list: this.coreList(), late: false, violations: [], load: async () => {} } : null;
    const view = {
      gpc: this.gpc, language: "en", jar: this.jar, local: this.local, now: () => this.time,
      emit: (type, detail) => page.events.push([type, detail]),
      page: { facts: (cause) => ({ leaving, typed, posted, done: this.storage.get("reloaded") == cause }),
        change: (cause, reload) => { this.storage.set("reloaded", cause); if (reload) page.reloads.push(cause); } },
    };
    const world = {
      secure: true, key: () => `k${String(this.keys++).padStart(21, "0")}`, post: (body) => this.deliver(body),
      refresh: async () => {}, later: (run) => page.timers.push(run),
      lock: this.lock,
      sleep: () => new Promise((done) => { setTimeout(done, wait); }),
      expire: (name) => this.cookies.delete(name), purge: (gone, kept) => this.purged.push([gone.map((one) => one.key), kept.map((one) => one.key)]),
    };
    const state = createState(this.settings, coreState, view);
    const decisions = createDecisions(state, world);
    page.begin = () => {
      if (state.unsettled()) decisions.repair();
      return decisions.resume();
    };
    return Object.assign(page, { state, ...decisions });
  }
}
