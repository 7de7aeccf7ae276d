import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { CHROMIUM, dump } from "./chromium.js";

/** A store whose level the case sets, under a bundle that believes it is the real one. */
const STORE = `
const heard = {}, result = {}, level = { now: "full" };
const store = { settings: { base: BASE, site: "demo", keeps: { query: ["ref"], customer: ["plan"], events: [] } }, violations: [], mark: () => "1.choice",
  visits: { level: () => level.now, told: [], arrived: [location.href, document.referrer] }, on: (type, listener) => { (heard[type] ||= []).push(listener); return () => { heard[type] = heard[type].filter((one) => one != listener); }; } };
const say = (type, detail = {}) => (heard[type] || []).forEach((listener) => listener(detail));
const change = (next) => { level.now = next; say("change"); };
window.consent = { attach: (name, factory) => factory(store) };
const later = (ms) => new Promise((done) => setTimeout(done, ms));
const note = (key, value) => { result[key] = value; };
addEventListener("error", ({ message }) => note("error", message));
addEventListener("unhandledrejection", ({ reason }) => note("error", String(reason)));`;

/** What a case does before and after the bundle runs. */
const CASES = {
  arrival: { path: "?utm_source=mail&ref=a&token=secret", then: "" },
  moves: { then: `await later(1500);
    history.pushState({ kept: 1 }, "", "/moves/two?token=x");
    history.replaceState(history.state, "", "/moves/two?token=y");
    history.pushState({}, "", "#part");
    history.pushState({}, "", "#/route");
    note("state", history.length > 2 && history.state);
    history.back(); await later(300); history.back(); await later(300);
    scrollTo(0, 2500); await later(2200); dispatchEvent(new Event("pagehide"));` },
  depth: { then: `for (const top of [2500, 2500, 9999]) {
    scrollTo(0, top); dispatchEvent(new Event("pointermove")); await later(2300); dispatchEvent(new Event("pagehide")); await later(300); }` },
  quiet: { first: 'level.now = "";', then: 'store.visits.told.push(["track", ["signup"]]); say("told"); history.pushState({}, "", "/quiet/two"); dispatchEvent(new Event("pagehide"));' },
  late: { first: 'level.now = ""; history.replaceState({}, "", "/late/two");', then: 'store.visits.told.push(["track", ["signup", { plan: "pro" }]]); await later(300); change("full");' },
  own: { then: `store.visits.told.push(["track", ["signup", { plan: "pro", deep: {} }]], ["customer", [{ id: 7, fields: { plan: "pro", email: "x" } }]], ["track", [{}]]); say("told");
    store.violations.push({ url: "https://late.example/x" }); say("violation", { url: "https://ads.example/a" }); say("violation", { url: "https://ads.example/b" });` },
  count: { path: "?ref=a&utm_source=mail", first: 'level.now = "count";', then: `store.visits.told.push(["track", ["signup"]]); say("told"); say("violation", { url: "https://ads.example/a" });
    await later(1500); note("early", await (await fetch("/seen/count")).json()); dispatchEvent(new Event("pagehide"));` },
  upgrade: { first: 'level.now = "count";', then: 'await later(200); change("full");' },
  accepted: { first: 'level.now = "count";', then: 'await later(200); change("full"); say("outcome", { applied: "reload" }); dispatchEvent(new Event("pagehide"));' },
  withdrawn: { then: `const before = history.pushState; await later(1600); history.pushState({}, "", "/withdrawn/two"); change("");
    note("restored", !Object.hasOwn(history, "pushState") && !Object.hasOwn(history, "replaceState") && before != history.pushState);
    history.pushState({}, "", "/withdrawn/three"); say("violation", { url: "https://ads.example/" }); dispatchEvent(new Event("pagehide")); await later(1500);
    change("full"); await later(1500);` },
  wrapped: { first: 'const mine = history.pushState = function (...args) { note("mine", true); return History.prototype.pushState.apply(this, args); };',
    then: 'history.pushState({}, "", "/wrapped/two"); change(""); note("back", history.pushState == mine);' },
  behind: { first: 'Object.defineProperty(document, "hidden", { value: true });',
    then: 'await later(1800); note("early", await (await fetch("/seen/behind")).json()); await later(4000);' },
  lying: { first: 'Object.defineProperty(navigator, "userAgentData", { value: { getHighEntropyValues: async () => null } });', then: "await later(1500);" },
  broken: { first: 'store.mark = () => { throw new Error("mark"); };', then: `await later(1500); store.visits.level = () => { throw new Error("level"); };
    history.pushState({}, "", "/broken/two"); say("told"); say("change"); dispatchEvent(new Event("pagehide")); note("alive", true);` },
};

const posts = {};
let bundle;
const server = createServer(async (request, answer) => {
  const { pathname } = new URL(request.url, "http://x");
  const send = (type, text, status = 200) => answer.writeHead(status, { "Content-Type": type }).end(text);
  const name = pathname.split("/")[1];
  if (request.method == "POST") {
    let body = "";
    for await (const chunk of request) body += chunk;
    (posts[new URL(request.headers.referer).pathname.split("/")[1]] ||= []).push({ path: pathname, body: JSON.parse(body), type: request.headers["content-type"] });
    return send("text/plain", "", 202);
  }
  if (name == "seen") return send("application/json", JSON.stringify(posts[pathname.split("/")[2]] || []));
  if (!CASES[name]) return send("text/plain", "", 404);
  const { first = "", then } = CASES[name];
  return send("text/html", `<!doctype html><title>log</title><body style="height:4000px"><script>const BASE = location.origin;${STORE}${first}
${bundle}
(async () => { ${then}
  await later(400);
  document.documentElement.dataset.result = encodeURIComponent(JSON.stringify(result)); })();</script>`);
});

before(async () => {
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  const built = await build({ entryPoints: [fileURLToPath(new URL("../src/telemetry.js", import.meta.url))], bundle: true, write: false, format: "iife" });
  bundle = built.outputFiles[0].text.replaceAll("</script", "<\\/script");
});
after(() => server.close());

/** What a case left, and what arrived of it. */
async function run(t, name) {
  const text = await dump(`http://127.0.0.1:${server.address().port}/${name}${CASES[name].path ?? ""}`, 9000);
  if (text === null) return t.skip(`${CHROMIUM} is not installed: name a Chromium in CHROMIUM`);
  const said = JSON.parse(decodeURIComponent(/data-result="([^"]*)"/.exec(text)[1]));
  assert.equal(said.error, undefined, "nothing reaches the page");
  const arrived = posts[name] || [];
  const sent = arrived.filter(({ path }) => path.endsWith("/events")).flatMap(({ body }) => body.events);
  const events = sent.filter(({ event }) => event != "engagement"); // of which there is one when the browser closes
  return { engagements: sent.filter(({ event }) => event == "engagement"), ...said, arrived, events, told: events.map(({ event, url }) => `${event} ${url.replace(/^http:\/\/[^/]*/, "")}`) };
}

test("a page is told of once it has loaded: what is kept of its address, how long it took, no more of the screen than its class", async (t) => {
  const found = await run(t, "arrival");
  if (!found) return;
  const { events: [view, ...more], arrived: [{ body, type }] } = found;
  assert.deepEqual(found.told, ["view /arrival?utm_source=mail&ref=a"]);
  assert.deepEqual(more, []);
  assert.ok(view.load >= 0 && view.load < 10_000 && view.referrer === "" && /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/.test(view.id));
  assert.deepEqual([body.choice, body.screen, typeof body.webdriver, body.debug, /^text\/plain/.test(type)], ["1.choice", "medium", "boolean", undefined, true]);
});

test("pages that a script shows are pages, with the time they had and how far they were seen; what changes of an address that is not kept is none", async (t) => {
  const found = await run(t, "moves");
  if (!found) return;
  const views = found.events.filter(({ event }) => event == "view").map(({ url, referrer }) => [url, referrer].map((one) => one.replace(/^http:\/\/[^/]*/, "")).join(" < "));
  assert.deepEqual(views, ["/moves < ", "/moves/two < /moves", "/moves/two/%23/route < /moves/two", "/moves/two < /moves/two/%23/route"]);
  assert.ok(found.engagements.some(({ engaged, scrolled }) => engaged >= 2 && scrolled == 2), JSON.stringify(found.engagements));
  assert.deepEqual(found.state, {}, "the page's own states are as it left them");
});

test("how far a page was seen adds up, however often it is told of", async (t) => {
  const found = await run(t, "depth");
  if (!found) return;
  const depths = found.engagements.map(({ scrolled }) => scrolled);
  assert.ok(depths.length >= 3 && depths[0] && !depths[1], depths.join());
  assert.equal(depths.reduce((sum, one) => sum + one), 4);
});

test("a tab that nobody looks at begins later than the one in front, which would else be another visitor", async (t) => {
  const found = await run(t, "behind");
  if (!found) return;
  assert.deepEqual(found.early, []);
  assert.deepEqual(found.told, ["view /behind"]);
});

test("where nothing is allowed nothing is asked, kept or touched", async (t) => {
  const found = await run(t, "quiet");
  if (found) assert.deepEqual(found.arrived, []);
});

test("what is first told carries the page that the visitor arrived on, and what the page has said meanwhile", async (t) => {
  const found = await run(t, "late");
  if (!found) return;
  assert.deepEqual(found.told, ["view /late", "view /late/two", "signup /late/two"]);
  assert.deepEqual(found.events[2].props, { plan: "pro" });
});

test("events and customers of the page, and each blocked host once", async (t) => {
  const found = await run(t, "own");
  if (!found) return;
  assert.deepEqual(found.told, ["view /own", "signup /own", "blocked /own"]);
  assert.equal(found.events[2].target, "ads.example");
  assert.deepEqual(found.arrived[0].body.customer, { id: "7", fields: { plan: "pro" } });
});

test("a count says nothing of the visitor, and waits until the page is left", async (t) => {
  const found = await run(t, "count");
  if (!found) return;
  assert.deepEqual(found.early, []);
  assert.deepEqual(found.told.slice(0, 2), ["view /count", "blocked /count"]);
  assert.equal(found.told.length, 2);
  assert.ok(found.arrived.every(({ body }) => !body.hints && !body.customer));
});

test("who agrees before the page is left is told of once", async (t) => {
  const found = await run(t, "upgrade");
  if (found) assert.deepEqual(found.told, ["view /upgrade"]);
  const reloaded = await run(t, "accepted");
  if (reloaded) assert.deepEqual(reloaded.arrived, [], "the page that is loaded anew tells it");
});

test("a withdrawal ends it: nothing more is sent, the history is the browser's own, and what came before is not told again", async (t) => {
  const found = await run(t, "withdrawn");
  if (!found) return;
  assert.equal(found.restored, true);
  assert.deepEqual(found.told, ["view /withdrawn", "view /withdrawn/three"]);
  assert.equal(found.events[1].referrer, undefined);
  assert.ok(found.arrived.every(({ path }) => path == "/v1/demo/events"), "on its own host the answer to the choice does the rest");
  const wrapped = await run(t, "wrapped");
  assert.deepEqual([wrapped.mine, wrapped.back], [true, true]);
});

test("a browser that says it has hints, and has none, is no fault of the page", async (t) => {
  const found = await run(t, "lying");
  if (found) assert.deepEqual(found.told, ["view /lying"]);
});

test("what goes wrong here does not reach the page", async (t) => {
  const found = await run(t, "broken");
  if (found) assert.deepEqual([found.alive, found.arrived], [true, []]);
});
