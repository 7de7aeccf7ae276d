import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../src/cookie.js";
import { howToApply } from "../src/store.js";
import { ALL, Browser, NONE, Service, SETTINGS } from "./world.js";

const TOKENS = "count.example ads.example/pixel/ video.example/embed/";
const letters = (browser) => ({ ...decode(browser.cookies.get("consent"))?.purposes });

test("a choice takes effect at once, by reload or on the next page, as the table says", () => {
  const yes = { differs: true, ran: true, kept: true, typed: false, posted: false, done: false };
  assert.equal(howToApply(yes), "reload");
  for (const change of [{ ran: false }, { kept: false }, { typed: true }, { posted: true }, { done: true }]) {
    assert.equal(howToApply({ ...yes, ...change }), "next", JSON.stringify(change));
    assert.equal(howToApply({ ...yes, ...change, differs: false }), "now", JSON.stringify(change));
  }
});

test("a grant unlocks only after its 201, and the page reloads once for it", async () => {
  const service = new Service();
  let release;
  const gate = new Promise((done) => { release = done; });
  const browser = new Browser(service, { deliver: async (body) => (await gate, service.post(body)) });
  const page = browser.open({ wait: 5000 });
  const outcome = page.decide(ALL);
  assert.equal(browser.cookies.has("consent"), false);
  assert.equal(page.state.allows("statistics"), false);
  assert.equal(page.state.pending, true);
  release();

  assert.deepEqual(await outcome, { recorded: true, applied: "reload" });
  assert.equal(page.reloads.length, 1);
  assert.equal(browser.coreList(), TOKENS);
  assert.equal(browser.open().state.current(), true);
});

test("a refusal holds before the service has answered, and although it never does", async () => {
  const browser = new Browser(new Service(), { deliver: () => new Promise(() => {}) });
  const page = browser.open();
  const outcome = page.decide(NONE);
  assert.deepEqual(letters(browser), { statistics: "d", marketing: "d" });
  assert.deepEqual(await outcome, { recorded: false, applied: "now" });
  assert.deepEqual(page.state.choice.purposes.statistics, "d");
});

test("of a choice that refuses and grants, the refusal holds at once and the grant waits", async () => {
  const browser = new Browser(new Service(), { deliver: async () => { throw new Error("offline"); } });
  const page = browser.open();
  await page.decide({ purposes: { statistics: "g", marketing: "d" }, services: {}, control: "save", layer: 2 });
  assert.deepEqual(letters(browser), { marketing: "d" });
  assert.equal(browser.coreList(), "");
  assert.notEqual(page.state.choice, null);

  browser.storage.delete("consent.pending");
  assert.equal(browser.open().state.choice, null, "half a choice that nobody will record is asked again");
});

test("a withdrawal ends the grant at once, expires the traces, and reloads although the service is away", async () => {
  const service = new Service();
  const browser = new Browser(service);
  await browser.open().decide(ALL);
  browser.deliver = async () => { throw new Error("offline"); };
  const page = browser.open();
  const outcome = page.decide({ ...NONE, purposes: { statistics: "w", marketing: "w" }, control: "withdraw" });
  assert.equal(browser.coreList(), "");
  assert.deepEqual(browser.purged.at(-1), [["count", "ads", "video"], ["stripe"]]);
  assert.deepEqual(await outcome, { recorded: false, applied: "reload" });

  browser.deliver = async (body) => service.post(body);
  const next = browser.open();
  await next.begin();
  assert.deepEqual(service.log.map((body) => body.control), ["accept", "withdraw"]);
  assert.equal(service.log[1].receipt, "r0");
  assert.deepEqual(next.reloads, []);
});

test("while a wider choice waits, what was granted before goes on", async () => {
  const browser = new Browser(new Service());
  await browser.open().decide({ purposes: { statistics: "g", marketing: "d" }, services: {}, control: "save", layer: 2 });
  browser.deliver = async () => { throw new Error("offline"); };
  const page = browser.open();
  assert.deepEqual(await page.decide(ALL), { recorded: false, applied: "now" });
  assert.equal(browser.coreList(), "count.example");
  assert.equal(page.state.allows("count"), true);
  assert.equal(page.state.allows("marketing"), false);
});

test("one service alone may be granted or refused", async () => {
  const browser = new Browser(new Service());
  await browser.open().decide({ purposes: { statistics: "g", marketing: "d" }, services: { video: "g", count: "d", stripe: "d", nobody: "g" }, control: "save", layer: 2 });
  assert.deepEqual({ ...decode(browser.cookies.get("consent")).services }, { count: "d", video: "g" });
  assert.equal(browser.coreList(), "video.example/embed/");
  const { state } = browser.open();
  assert.deepEqual(["count", "video", "ads", "stripe", "nobody", "statistics"].map(state.allows), [false, true, false, true, false, true]);
});

test("what is allowed on a page that does not run under it yet is not allowed there", async () => {
  const browser = new Browser(new Service());
  const page = browser.open({ typed: true });
  assert.deepEqual(await page.decide(ALL), { recorded: true, applied: "next" });
  assert.equal(page.state.allows("video"), false);
  assert.equal(page.state.allows("marketing"), true);
  assert.equal(browser.open().state.allows("video"), true);
});

test("where there is no core everything that may run may run now", async () => {
  const browser = new Browser(new Service());
  const page = browser.open({ core: false });
  let ran = false;
  page.state.watch(() => ran && !page.state.allows("statistics"));
  assert.deepEqual(await page.decide(ALL), { recorded: true, applied: "now" });
  ran = true;
  assert.deepEqual(await page.decide(NONE), { recorded: true, applied: "reload" }, "what has run cannot be undone");
});

test("the same button twice is one decision", async () => {
  const service = new Service();
  const page = new Browser(service).open();
  await Promise.all([page.decide(ALL), page.decide(ALL)]);
  assert.equal(service.log.length, 1);
});

test("an outdated policy records nothing, unlocks nothing, and asks again", async () => {
  const service = new Service();
  service.scope = "ffffffff";
  const browser = new Browser(service);
  const page = browser.open();
  assert.equal((await page.decide(ALL)).recorded, false);
  await new Promise(setImmediate);
  assert.deepEqual(page.reloads.length, 1);
  assert.equal(browser.storage.has("consent.pending"), false);
  assert.equal(browser.open().state.choice, null);
  assert.equal(browser.coreList(), "");
});

test("a choice is asked again when the scope changed or it is too old, and never for a typo", async () => {
  const browser = new Browser(new Service());
  await browser.open().decide(ALL);
  const seen = (settings, days = 0) => {
    const later = new Browser(null, { settings: { ...SETTINGS, ...settings } });
    Object.assign(later, { cookies: new Map(browser.cookies), storage: new Map(browser.storage), time: browser.time + days * 86_400_000 });
    const page = later.open();
    page.begin();
    return [page.state.choice != null, later.coreList() != ""];
  };
  assert.deepEqual(seen({ version: 4, hash: "other" }), [true, true]);
  assert.deepEqual(seen({ scope: "00000001" }), [false, false]);
  assert.deepEqual(seen({ scope: "00000001", since: { ab12cd34: "ask" } }), [false, false]);
  assert.deepEqual(seen({ scope: "00000001", since: { ab12cd34: "same" } }), [true, true]);
  assert.deepEqual(seen({}, 179), [true, true]);
  assert.deepEqual(seen({}, 180), [false, false]);
});

test("a lost or forged list is composed anew from the cookie, and a removed service leaves it", async () => {
  const browser = new Browser(new Service());
  await browser.open().decide(ALL);
  const value = browser.cookies.get("consent");
  for (const text of [null, "", "rubbish", `${value} evil.example|`, `x${value} evil.example|`]) {
    browser.local.set("consent.list", text);
    assert.equal(browser.coreList(), "");
    const page = browser.open();
    page.begin();
    assert.equal(browser.coreList(), TOKENS);
    assert.deepEqual(page.reloads, []);
    assert.equal(browser.cookies.get("consent"), value);
  }
  browser.settings = { ...SETTINGS, scope: "00000001", since: { ab12cd34: "same" }, services: SETTINGS.services.slice(0, 3) };
  browser.open().begin();
  assert.equal(browser.coreList(), "count.example ads.example/pixel/");
});

test("two cookies of the name become one, the stricter, and the visitor is asked again where they differ in scope", () => {
  const browser = new Browser(new Service());
  const jar = ["1.fzz.ab12cd34.-.statistics:g+marketing:g..abc", "1.g00.ab12cd34.-.statistics:g+marketing:d..xyz"];
  let doubled = true;
  const { get } = browser.jar;
  browser.jar.get = () => (doubled ? jar.map((value) => `consent=${value}`).join("; ") : get());
  browser.time = parseInt("g05", 36) * 86_400_000;
  const page = browser.open();
  browser.cookies.delete = function (name) { doubled = false; return Map.prototype.delete.call(this, name); };
  assert.equal(page.state.choice, null);
  page.begin();
  assert.deepEqual({ ...page.state.choice.purposes }, { statistics: "g", marketing: "d" });
  assert.equal(browser.coreList(), "count.example");
});

test("under an opt-out law, told by the edge, what is optional runs from the next page on, until it is refused", async () => {
  const browser = new Browser(new Service());
  browser.cookies.set("consent_regime", "us");
  const first = browser.open();
  first.begin();
  assert.deepEqual([first.state.choice, first.reloads.length, first.state.allows("statistics")], [null, 0, true]);
  assert.equal(browser.coreList(), TOKENS);

  const second = browser.open();
  assert.equal(second.state.unsettled(), false);
  await second.decide(NONE);
  assert.equal(browser.coreList(), "");
  assert.equal(browser.open().state.status("statistics"), "denied");

  const elsewhere = new Browser(new Service());
  elsewhere.cookies = new Map([["consent_regime", "us"]]);
  elsewhere.open().begin();
  elsewhere.cookies.set("consent_regime", "eu");
  assert.equal(elsewhere.coreList(), "");
  assert.equal(elsewhere.open().state.allows("statistics"), false);
});

test("under an opt-out law with the signal on nothing is stored by default, and an opt-out outlives a change of services", async () => {
  const browser = new Browser(new Service());
  browser.gpc = true;
  browser.cookies.set("consent_regime", "us");
  const page = browser.open();
  page.begin();
  assert.equal(browser.cookies.has("consent"), false);
  assert.deepEqual([page.state.status("marketing"), page.state.allows("marketing"), page.state.allows("statistics")], ["denied", false, true]);

  await page.decide(NONE);
  browser.settings = { ...SETTINGS, scope: "00000001" };
  const later = browser.open();
  later.begin();
  assert.equal(later.state.status("marketing"), "denied");
  assert.equal(later.state.allows("statistics"), false);
});

test("the signal denies what it covers, unless the visitor chose otherwise while it was on", async () => {
  const browser = new Browser(new Service());
  await browser.open().decide(ALL);
  browser.gpc = true;
  const page = browser.open();
  assert.deepEqual([page.state.status("marketing"), page.state.status("statistics")], ["denied", "granted"]);
  assert.equal(browser.coreList(), "count.example");
  await page.decide(ALL);
  assert.equal(browser.open().state.status("marketing"), "granted");
  assert.equal(browser.coreList(), TOKENS);
});

test("a withdrawal in another tab reloads this one; a grant waits for its next page, and a page from the cache is brought up to date", async () => {
  const browser = new Browser(new Service());
  await browser.open().decide(ALL);
  const [one, other] = [browser.open(), browser.open()];
  await one.decide(NONE);
  other.state.reconsider(false);
  assert.equal(other.reloads.length, 1);
  assert.equal(other.state.allows("statistics"), false);

  const strict = browser.open();
  await browser.open().decide(ALL);
  strict.state.reconsider(false);
  assert.deepEqual(strict.reloads, []);
  strict.state.reconsider(true);
  assert.equal(strict.reloads.length, 1);
  strict.state.reconsider(true);
  assert.equal(strict.reloads.length, 1, "once for a decision");

  const typing = browser.open({ typed: true });
  await browser.open().decide(NONE);
  typing.state.reconsider(false);
  assert.deepEqual(typing.reloads, []);
});

test("a browser that keeps nothing is not reloaded", async () => {
  const browser = new Browser(new Service());
  browser.jar.set = () => {};
  browser.local.set = () => {};
  const page = browser.open();
  assert.deepEqual(await page.decide(ALL), { recorded: true, applied: "next" });
});

test("an inherited name is no purpose and no service", async () => {
  const browser = new Browser(new Service());
  const { state } = browser.open();
  for (const key of ["constructor", "__proto__", "hasOwnProperty", ""]) assert.equal(state.allows(key), false);
});
