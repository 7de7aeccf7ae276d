import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../src/cookie.js";
import { howToApply } from "../src/store.js";
import { ALL, Browser, NONE, Service, SETTINGS } from "./world.js";

const TOKENS = "count.example ads.example/pixel/ video.example/embed/";
const letters = (browser) => ({ ...decode(browser.cookies.get("consent"))?.purposes });

test("a choice takes effect at once, by reload or on the next page, as the table says", () => {
  const yes = { differs: true, ran: true, kept: true, leaving: false, typed: false, posted: false, done: false };
  assert.equal(howToApply(yes), "reload");
  for (const change of [{ ran: false }, { kept: false }, { leaving: true }, { typed: true }, { posted: true }, { done: true }]) {
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
  assert.equal(browser.cookies.get("consent"), "0", "no choice, but who has answered is not asked again");
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
  assert.equal(page.state.allows("marketing"), false, "the purpose's answer is that of its services");
  assert.equal(browser.open().state.allows("video"), true);
  assert.equal(browser.open().state.allows("marketing"), true);
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

test("a choice from the future is none", async () => {
  const browser = new Browser(new Service());
  await browser.open().decide(ALL);
  browser.time -= 86_400_000;
  assert.notEqual(browser.open().state.choice, null, "a clock may be a day behind");
  browser.time -= 86_400_000;
  assert.equal(browser.open().state.choice, null);
});

test("a choice that was recorded late unlocks on the next page, which reloads once if it has just begun", async () => {
  for (const [waited, reloads] of [[0, 1], [6000, 0]]) {
    const service = new Service();
    const browser = new Browser(service, { deliver: async () => { throw new Error("offline"); } });
    await browser.open().decide(ALL);
    const page = browser.open();
    browser.deliver = async (body) => service.post(body);
    browser.time += waited;
    await page.begin();
    assert.equal(page.reloads.length, reloads);
    assert.deepEqual(page.events.filter(([type]) => type == "outcome").map(([, outcome]) => outcome), [{ recorded: true, applied: reloads ? "reload" : "next" }]);
    assert.equal(browser.coreList(), TOKENS);
  }
});

test("a list that another tab has cleared away is put back, and nothing is reloaded", async () => {
  const browser = new Browser(new Service());
  await browser.open().decide(ALL);
  const page = browser.open();
  browser.storage.clear();
  page.state.reconsider(false);
  page.begin();
  assert.deepEqual(page.events, []);
  assert.equal(browser.coreList(), TOKENS);

  browser.cookies.clear();
  browser.storage.clear();
  page.state.reconsider(false);
  assert.equal(page.reloads.length, 1, "with the cookie the choice itself is gone");
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
  assert.equal(doubled, false);
  assert.deepEqual({ ...page.state.choice.purposes }, { statistics: "g", marketing: "d" });
  assert.equal(browser.coreList(), "count.example");
});

test("under an opt-out law, told by the edge, what is optional runs from the next page on, until it is refused", async () => {
  const browser = new Browser(new Service());
  browser.cookies.set("consent_regime", "us");
  const first = browser.open();
  first.begin();
  assert.deepEqual([first.state.choice, first.reloads.length, first.state.allows("statistics")], [null, 0, false]);
  assert.equal(browser.open().state.allows("statistics"), true);
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

test("under an opt-out law with the signal on what it covers is refused by default, also when the signal is gone, and an opt-out outlives a change of services", async () => {
  const browser = new Browser(new Service());
  browser.gpc = true;
  browser.cookies.set("consent_regime", "us");
  const page = browser.open();
  page.begin();
  assert.deepEqual(letters(browser), { statistics: "g", marketing: "d" });
  assert.deepEqual([page.state.choice, page.state.status("marketing"), page.state.allows("marketing")], [null, "denied", false]);
  assert.equal(browser.open().state.allows("statistics"), true);
  browser.gpc = false;
  const without = browser.open();
  without.begin();
  assert.equal(browser.coreList(), "count.example");
  assert.equal(without.state.allows("marketing"), false);

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

/** A network that answers when it is told to. */
function held(service) {
  const open = [];
  const deliver = (body) => new Promise((done, fail) => {
    open.push({ body, answer: () => done(service.post(JSON.parse(JSON.stringify(body)))), lose: () => fail(new Error("lost")) });
  });
  return { open, deliver };
}
const settle = async () => { for (let i = 0; i < 10; i++) await new Promise(setImmediate); };

test("the answer to an accept does not undo the refusal that came after it", async () => {
  const service = new Service();
  const network = held(service);
  const browser = new Browser(service, { deliver: network.deliver });
  const page = browser.open({ wait: 0 });
  page.decide(ALL);
  page.decide(NONE);
  await settle();
  browser.cookies.set("consent", service.post(network.open[0].body).data.cookie); // a service on the page's own host sets it by HTTP
  network.open[0].answer();
  await settle();
  assert.deepEqual(letters(browser), { statistics: "d", marketing: "d" });
  assert.equal(browser.coreList(), "");

  browser.cookies.set("consent", service.post(network.open[0].body).data.cookie);
  browser.deliver = () => new Promise(() => {});
  const next = browser.open();
  next.begin();
  assert.deepEqual(letters(browser), { statistics: "d", marketing: "d" }, "nor on the page after, while the refusal waits");
  assert.equal(browser.coreList(), "");
});

test("an accept that was answered while a later one waits leaves no choice before that is recorded", async () => {
  const service = new Service();
  const network = held(service);
  const browser = new Browser(service, { deliver: network.deliver });
  const page = browser.open({ wait: 0 });
  page.decide({ ...ALL, control: "api" });
  page.decide({ purposes: { statistics: "g", marketing: "g" }, services: { video: "d" }, control: "save", layer: 2 });
  await settle();
  browser.cookies.set("consent", service.post(network.open[0].body).data.cookie);
  network.open[0].answer();
  await settle();
  assert.equal(browser.cookies.get("consent"), "0");
});

test("an answer that comes late to one tab brings back nothing that another has refused since", async () => {
  const service = new Service();
  const network = held(service);
  const browser = new Browser(service, { deliver: network.deliver });
  const one = browser.open({ wait: 0 });
  one.decide(ALL);
  browser.deliver = async (body) => service.post(JSON.parse(JSON.stringify(body)));
  const other = browser.open();
  await other.decide(NONE);
  assert.equal(browser.storage.has("consent.pending"), false);
  browser.cookies.set("consent", service.post(network.open[0].body).data.cookie);
  network.open[0].answer();
  await settle();
  assert.deepEqual(letters(browser), { statistics: "d", marketing: "d" });
  assert.equal(browser.coreList(), "");
  const next = browser.open();
  next.begin();
  assert.equal(next.state.allows("statistics"), false);
});

test("tabs that take turns send each decision once", async () => {
  const service = new Service();
  let sent = 0;
  let turn = Promise.resolve();
  const lock = (run) => turn = turn.then(run);
  const browser = new Browser(service, { lock, deliver: async (body) => (sent++, service.post(JSON.parse(JSON.stringify(body)))) });
  const tabs = [1, 2, 3].map(() => browser.open({ wait: 500 }));
  const outcomes = [tabs[0].decide(ALL), tabs[1].decide(NONE), ...tabs.map((tab) => tab.resume())];
  const [accepted, refused] = await Promise.all(outcomes);
  await turn;
  assert.equal(sent, 2);
  assert.deepEqual(service.log.map((body) => body.control), ["accept", "reject"]);
  assert.deepEqual([accepted.recorded, refused.recorded], [true, true]);
  assert.deepEqual(letters(browser), { statistics: "d", marketing: "d" });
});

test("what was recorded under another question is not stored as an answer to this one", async () => {
  const service = new Service();
  const browser = new Browser(service, { deliver: async () => { throw new Error("offline"); } });
  await browser.open({ wait: 0 }).decide(ALL);
  browser.deliver = async (body) => service.post(JSON.parse(JSON.stringify(body)));
  const old = browser.settings;
  browser.settings = { ...old, scope: "00000001" };
  await browser.open().begin();
  assert.equal(browser.coreList(), "");
  assert.equal(browser.open().state.choice, null);

  const same = new Browser(new Service(), { deliver: async () => { throw new Error("offline"); } });
  await same.open({ wait: 0 }).decide(ALL);
  same.deliver = async (body) => same.service.post(JSON.parse(JSON.stringify(body)));
  same.settings = { ...old, scope: "00000001", since: { ab12cd34: "same" } };
  await same.open().begin();
  assert.notEqual(same.open().state.choice, null);
});

test("grants of an opt-out law's default stay a default until a choice is recorded", async () => {
  const browser = new Browser(new Service());
  browser.cookies.set("consent_regime", "us");
  browser.open().begin();
  browser.deliver = async () => { throw new Error("offline"); };
  await browser.open({ wait: 0 }).decide({ purposes: { statistics: "g", marketing: "d" }, services: {}, control: "save", layer: 2 });
  assert.deepEqual(letters(browser), { statistics: "g", marketing: "d" });
  assert.equal(decode(browser.cookies.get("consent")).regime, "us");
  browser.storage.delete("consent.pending");
  browser.cookies.set("consent_regime", "eu");
  assert.equal(browser.coreList(), "");
  assert.equal(browser.open().state.choice, null);
});

test("a default is narrowed by the signal for good, also when it was there first", () => {
  const browser = new Browser(new Service());
  browser.cookies.set("consent_regime", "us");
  browser.open().begin();
  assert.equal(browser.coreList(), TOKENS);
  browser.gpc = true;
  browser.open().begin();
  browser.gpc = false;
  browser.open().begin();
  assert.equal(browser.coreList(), "count.example");
});

test("an opt-out region that only a header told opens nothing where a core decides, and says so", () => {
  const { state } = new Browser(new Service(), { settings: { ...SETTINGS, regime: "us" } }).open();
  assert.deepEqual(["statistics", "count", "marketing", "video"].map(state.allows), [false, false, false, false]);
  const { state: tag } = new Browser(new Service(), { settings: { ...SETTINGS, regime: "us" } }).open({ core: false });
  assert.deepEqual(["statistics", "count"].map(tag.allows), [true, true]);
});

test("a clock of years ago or ahead keeps its own day, and the visitor is not asked again", async () => {
  for (const years of [-3, 3]) {
    const service = new Service();
    const browser = new Browser(service, { deliver: async (body) => {
      const answer = service.post(JSON.parse(JSON.stringify(body)));
      const theirs = decode(answer.data.cookie);
      const [, , ...rest] = answer.data.cookie.split(".");
      return { ...answer, data: { ...answer.data, cookie: ["1", (theirs.day - years * 365).toString(36), ...rest].join(".") } };
    } });
    await browser.open().decide(ALL);
    assert.notEqual(browser.open().state.choice, null);
    assert.equal(browser.coreList(), TOKENS);
  }
});

test("what accepting everything opens follows the owner's setting, with the same choice", async () => {
  const browser = new Browser(new Service(), { settings: { ...SETTINGS, everything: true } });
  await browser.open().decide(ALL);
  assert.equal(browser.coreList(), "*");
  browser.settings = SETTINGS;
  const page = browser.open();
  assert.equal(page.state.unsettled(), true);
  page.begin();
  assert.equal(browser.coreList(), TOKENS);
  assert.equal(browser.open().state.unsettled(), false);
});

test("a decision of no layer names no notice", async () => {
  const service = new Service();
  const browser = new Browser(service);
  await browser.open().decide({ ...ALL, control: "api", layer: 0 });
  await browser.open().decide(NONE);
  assert.deepEqual(service.log.map((body) => body.notice), ["", "n"]);
});
