import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../src/cookie.js";
import { Browser, Service, SETTINGS } from "./world.js";

/** A small generator of its own, so that a failure can be run again by its seed (Mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const LETTERS = ["g", "d", "w"];

/** A network that loses requests, loses answers, delivers twice, and answers rubbish. */
function network(service, chance) {
  return async (body) => {
    const copy = JSON.parse(JSON.stringify(body));
    const luck = chance();
    if (luck < 0.25) throw new TypeError("lost on the way");
    if (luck < 0.35) return { status: 503, wait: 0, data: { error: "busy" } };
    if (luck < 0.4) return { status: 200, wait: 0, data: null };
    const answer = service.post(copy);
    if (chance() < 0.3) service.post(copy);
    if (chance() < 0.3) throw new TypeError("the answer was lost");
    return answer;
  };
}

test("over any weather each choice is logged once, in order, and the last one stands", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const chance = random(seed);
    const service = new Service();
    const browser = new Browser(service, { deliver: network(service, chance) });
    let page = browser.open({ wait: 0 });
    const made = [];
    for (let step = 0; step < 1 + chance() * 6; step++) {
      const pick = () => LETTERS[Math.floor(chance() * 3)];
      const purposes = { statistics: pick(), marketing: pick() };
      made.push(purposes);
      await page.decide({ purposes, services: {}, control: "save", layer: 2 });
      if (chance() < 0.5) page = browser.open({ wait: 0 });
      if (chance() < 0.3) browser.open({ wait: 0 }).begin(); // another tab sends what waits, too
    }
    browser.deliver = async (body) => service.post(JSON.parse(JSON.stringify(body)));
    const last = browser.open();
    await last.begin();
    await last.resume();

    assert.deepEqual(service.log.map((body) => ({ ...body.purposes })), made, `seed ${seed}`);
    assert.equal(new Set(service.log.map((body) => body.receipt ?? "r0")).size, 1, `one chain of receipts, seed ${seed}`);
    assert.deepEqual({ ...decode(browser.cookies.get("consent")).purposes }, made.at(-1), `seed ${seed}`);
    assert.equal(browser.storage.has("consent.pending"), false, `seed ${seed}`);
    const wanted = [made.at(-1).statistics == "g" && "count.example", made.at(-1).marketing == "g" && "ads.example/pixel/ video.example/embed/"];
    assert.equal(browser.coreList(), wanted.filter(Boolean).join(" "), `seed ${seed}`);
  }
});

test("at no time is more open than the newest choice, or than was recorded", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const chance = random(seed);
    const service = new Service();
    const browser = new Browser(service, { deliver: network(service, chance) });
    for (let step = 0; step < 5; step++) {
      const purposes = { statistics: LETTERS[Math.floor(chance() * 3)], marketing: "d" };
      await browser.open({ wait: 0 }).decide({ purposes, services: {}, control: "save", layer: 2 });
      if (browser.coreList() == "") continue;
      assert.equal(purposes.statistics, "g", `seed ${seed}`);
      assert.ok(service.log.some((body) => body.purposes.statistics == "g"), `seed ${seed}`);
    }
  }
});

test("a failed send is tried again, later each time and not without end", async () => {
  let sent = 0;
  const browser = new Browser(null, { deliver: async () => { sent++; throw new Error("offline"); } });
  const page = browser.open({ wait: 0 });
  await page.decide({ purposes: { statistics: "g", marketing: "d" }, services: {}, control: "save", layer: 2 });
  while (page.timers.length) {
    page.timers.shift()();
    await new Promise(setImmediate);
  }
  assert.equal(sent, 9);
});

test("what was sent once is sent again as it was, though a receipt is there by now; and never twice at a time", async () => {
  const service = new Service();
  const sent = [];
  const browser = new Browser(service, { deliver: async (body) => {
    sent.push(body);
    const answer = service.post(JSON.parse(JSON.stringify(body)));
    if (sent.length == 1) throw new TypeError("the answer was lost");
    return answer;
  } });
  await browser.open({ wait: 0 }).decide({ purposes: { statistics: "d", marketing: "d" }, services: {}, control: "reject", layer: 1 });
  browser.local.set("consent.receipt", JSON.stringify({ receipt: "other", key: "other" }));
  const page = browser.open();
  await Promise.all([page.resume(), page.resume()]);
  assert.deepEqual(sent[1], sent[0]);
  assert.equal(sent.length, 2);
  assert.equal(service.log.length, 1);
  assert.equal(browser.storage.has("consent.pending"), false);
});

test("a write key that is no good begins a chain of its own, once", async () => {
  const service = new Service();
  const browser = new Browser(service);
  browser.local.set("consent.receipt", JSON.stringify({ receipt: "forged", key: "forged" }));
  const outcome = await browser.open().decide({ purposes: { statistics: "d", marketing: "d" }, services: {}, control: "reject", layer: 1 });
  assert.equal(outcome.recorded, true);
  assert.deepEqual(service.log.map((body) => body.receipt), [undefined]);
  assert.deepEqual(JSON.parse(browser.local.get("consent.receipt")), { receipt: "r0", key: "k0" });
});

test("what is refused for good is given up, unlocks nothing, and is asked again", async () => {
  const browser = new Browser(null, { deliver: async () => ({ status: 422, wait: 0, data: { error: "invalid" } }) });
  const outcome = await browser.open().decide({ purposes: { statistics: "g", marketing: "g" }, services: {}, control: "accept", layer: 1 });
  assert.deepEqual(outcome, { recorded: false, applied: "now" });
  assert.equal(browser.storage.has("consent.pending"), false);
  assert.equal(browser.cookies.has("consent"), false);
});

test("rubbish in storage is no decision", async () => {
  const hostile = ["", "x", "null", "[]", "{}", "[null]", "[1]", '[{"body":null}]', '[{"body":{"key":1}}]', '[{"body":{"key":"short"},"tries":0}]',
    '{"length":1e9}', '[{"body":{"key":"aaaaaaaaaaaaaaaaaaaaaa"},"tries":1e9}]', '"'.repeat(1e5)];
  for (const text of hostile) {
    const sent = [];
    const browser = new Browser(null, { deliver: async (body) => { sent.push(body); throw new Error("no"); } });
    browser.local.set("consent.pending", text);
    browser.local.set("consent.receipt", text);
    await browser.open().begin();
    assert.deepEqual(sent, [], text.slice(0, 60));
    assert.equal(browser.cookies.has("consent"), false);
  }
});

test("a mark of nobody's decision is taken away, and does not let half a choice count", async () => {
  for (const text of ["[]", "x", '[{"body":{"key":"aaaaaaaaaaaaaaaaaaaaaa"},"tries":100}]']) {
    const browser = new Browser(new Service(), { deliver: async () => { throw new Error("offline"); } });
    await browser.open({ wait: 0 }).decide({ purposes: { statistics: "g", marketing: "d" }, services: {}, control: "save", layer: 2 });
    browser.local.set("consent.pending", text);
    const page = browser.open();
    assert.equal(page.state.pending, false, text);
    assert.equal(page.state.choice, null, text);
  }
});

test("a page that teaches arrays to write themselves alters nothing", async () => {
  Object.defineProperty(Array.prototype, "toJSON", { configurable: true, value() { return "rubbish"; } });
  try {
    const browser = new Browser(new Service(), { deliver: async () => { throw new Error("offline"); } });
    await browser.open({ wait: 0 }).decide({ purposes: { statistics: "d", marketing: "d" }, services: {}, control: "reject", layer: 1 });
    const [{ body, tries }] = JSON.parse(browser.storage.get("consent.pending"));
    assert.equal(tries, 1);
    assert.equal({ ...body.purposes }.marketing, "d");
  } finally {
    delete Array.prototype.toJSON;
  }
});

test("a refusal that was made before there was anything to decide with is completed, sent once, and holds", async () => {
  for (const regime of ["eu", "us"]) {
    const service = new Service();
    const browser = new Browser(service, { settings: { ...SETTINGS, regime } });
    browser.cookies.set("consent_regime", regime);
    browser.local.set("consent.pending", '[{"body":{"key":"aaaaaaaaaaaaaaaaaaaaaa","control":"withdraw","time":1795132800000},"tries":0}]');
    const page = browser.open();
    page.begin();
    assert.equal(browser.coreList(), "", "also under an opt-out law's default");
    await page.resume();
    assert.equal(service.log.length, 1);
    const { control, layer, notice, version, scope, purposes } = service.log[0];
    assert.deepEqual([control, layer, notice, version, scope, { ...purposes }], ["withdraw", 0, "", 3, "ab12cd34", { statistics: "d", marketing: "d" }]);
    assert.deepEqual({ ...decode(browser.cookies.get("consent")).purposes }, { statistics: "d", marketing: "d" });
  }
});
