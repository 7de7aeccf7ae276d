import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Browser, SETTINGS, Service } from "./world.js";

globalThis.window = globalThis.top = globalThis.self = globalThis;
globalThis.Document = class { get cookie() { return browser?.jar.get() ?? ""; } };
globalThis.document = Object.assign(new Document(), { addEventListener() {}, referrer: "https://search.example/" });
globalThis.location = { href: "https://shop.test/landing" };
const kept = new Map();
globalThis.sessionStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
let browser;
const { watchVisits } = await import("../src/visits.js");

const VISITS = { key: "visits", name: "Visits", purposes: ["statistics"], sources: [], cookies: [], storage: [], kind: "analytics" };
const settings = (counts) => ({ ...SETTINGS, services: [...SETTINGS.services, VISITS], telemetry: { path: "/c/demo/3/telemetry.js", counts, service: "visits" } });
const say = (letter, services = {}) => ({ purposes: { statistics: letter, marketing: "d" }, services, control: "save", layer: 2 });

/** A page of a browser, with what visits.js makes of it. */
async function visit({ counts = false, gpc = false, decision, given = settings(counts) } = {}) {
  browser = new Browser(new Service(), { settings: given });
  browser.gpc = gpc;
  const page = browser.open();
  await page.begin();
  if (decision) await page.decide(decision);
  const heard = {};
  const loads = [];
  const store = Object.assign(page.state, { on: (type, listener) => { heard[type] = listener; }, emit() {}, attach() {}, load: async (path) => void loads.push(path) });
  watchVisits(store);
  return { page, store, loads, heard };
}

test("the bundle is asked for only where it may do something", async () => {
  for (const [what, level] of [
    [{}, ""], [{ counts: true }, "count"],
    [{ decision: say("g") }, "full"], [{ counts: true, decision: say("g") }, "full"],
    [{ decision: say("d") }, ""], [{ counts: true, decision: say("d") }, ""],
    [{ counts: true, decision: say("d", { visits: "g" }) }, "full"], [{ counts: true, decision: say("g", { visits: "d" }) }, ""],
    [{ counts: true, given: { ...settings(true), telemetry: null }, decision: say("g") }, ""],
  ]) {
    const { store, loads } = await visit(what);
    assert.equal(store.visits.level(), level, JSON.stringify(what));
    assert.deepEqual(loads, level ? ["/c/demo/3/telemetry.js"] : []);
  }
});

test("a signal that covers the purpose is a refusal", async () => {
  const purposes = SETTINGS.purposes.map((one) => (one.key == "statistics" ? { ...one, gpc: true } : one));
  const { store, loads } = await visit({ counts: true, gpc: true, given: { ...settings(true), purposes } });
  assert.deepEqual([store.visits.level(), loads], ["", []]);
});

test("a choice that another tab has changed ends it before this page hears of it", async () => {
  const { store } = await visit({ decision: say("g") });
  assert.equal(store.visits.level(), "full");
  browser.cookies.set("consent", browser.cookies.get("consent").replace("statistics:g", "statistics:w"));
  assert.equal(store.visits.level(), "");
});

test("what the page tells waits for an answer, and is forgotten at a refusal", async () => {
  const { store, page, heard } = await visit();
  for (let at = 0; at < 60; at++) store.visits.take("track", [`e${at}`]);
  assert.equal(store.visits.told.length, 50);
  await page.decide(say("d"));
  heard.change();
  assert.equal(store.visits.told.length, 0);
  store.visits.take("track", ["later"]);
  assert.equal(store.visits.told.length, 0);
});

test("where the visit began goes along when the page is loaded anew for a grant, and in no other case", async () => {
  const page = async (decision, next) => {
    const { store, heard, page: opened } = await visit({ decision });
    assert.equal(kept.size, 0, "what is read is gone");
    if (next) await opened.decide(next);
    heard.outcome({ applied: "reload" });
    assert.equal(store.visits.level(), "", "the next page tells it all");
    return store.visits.arrived;
  };
  const began = ["https://shop.test/landing", "https://search.example/"];
  assert.deepEqual(await page(null, say("d")), began);
  assert.equal(kept.size, 0, "a refusal leaves nothing");
  await page(say("g"), say("g"));
  assert.equal(kept.size, 0, "it was told already");
  await page(null, say("g"));
  assert.deepEqual([...kept], [["consent.arrival", `${began.join(" ")} https://shop.test/landing`]]);
  const copied = new Map(kept);
  document.referrer = "https://shop.test/landing";
  assert.deepEqual(await page(say("g")), began);
  for (const one of copied) kept.set(...one); // as a page begins that the browser prerenders meanwhile
  location.href = "https://shop.test/lamps";
  assert.notDeepEqual(await page(say("g")), began);
  location.href = "https://shop.test/landing";
});

test("the page goes as far as the service lets it, and no further: full in the same cases, a count in no other", () => {
  const vectors = JSON.parse(readFileSync(new URL("../../tests/vectors/gate.json", import.meta.url), "utf8"));
  for (const { name, choice, level, law, exempt, gpc, covered, counts } of vectors.cases) {
    const purposes = SETTINGS.purposes.map((one) => ({ ...one, gpc: covered && one.key == "statistics" }));
    const given = { ...settings(exempt && counts), purposes, regime: law || null, since: { "5a5e5a5e": "same", a5ca5ca5: "ask" } };
    browser = new Browser(new Service(), { settings: given });
    Object.assign(browser, { gpc, time: vectors.today * 86_400_000 });
    const value = choice.replace(".SCOPE.", `.${given.scope}.`).replace(".SAME.", ".5a5e5a5e.").replace(".ASK.", ".a5ca5ca5.");
    if (value) browser.cookies.set("consent", value);
    if (law) browser.cookies.set("consent_regime", law); // as the page is told where it must rely on it
    const store = Object.assign(browser.open({ core: false }).state, { on() {}, emit() {}, attach() {}, load: async () => {} });
    watchVisits(store);
    const found = store.visits.level();
    assert.equal(found == "full", level == "full", `${name}: ${found}, not ${level}`);
    assert.ok(found != "count" || level == "count", `${name}: ${found}, not ${level}`);
  }
});
