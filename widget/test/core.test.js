import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";
import { checksum } from "../src/cookie.js";

const SOURCE = readFileSync(new URL("../src/core.js", import.meta.url), "utf8");
const STRICT = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: c.example site.example *.site.example";
const vectors = JSON.parse(readFileSync(new URL("../../tests/vectors/csp.json", import.meta.url), "utf8"));
const cookies = JSON.parse(readFileSync(new URL("../../tests/vectors/cookie.json", import.meta.url), "utf8"));

/** What the core may write, and nothing else. */
const WRITTEN = /^(?:<meta http-equiv=Content-Security-Policy content="([^"<>]*)">)?<meta (?:http-equiv=x |x=")$/;

/** Runs the core as if the parser had just met it. `page` overrides what it finds. */
function run({ cookie = "", list, gpc, everything = false, strict = false, document = {}, window = {}, times = 1 } = {}) {
  const found = { written: [], scripts: [], fetched: [], listeners: {} };
  const fills = { CONSENT_BASE: "https://c.example", CONSENT_SITE: "demo", CONSENT_COOKIE: "consent", CONSENT_CSP: STRICT,
    CONSENT_EVERYTHING: everything, STRICT_VARIANT: strict };
  const code = Object.entries(fills).reduce((text, [name, value]) => text.replaceAll(name, JSON.stringify(value)), SOURCE);
  const doc = {
    cookie, readyState: "loading", body: null, currentScript: { nonce: "n", async: false }, querySelector: () => null,
    write: (text) => found.written.push(text), addEventListener: (type, listener) => { found.listeners[type] = listener; },
    createElement: () => ({}), head: { append: (element) => found.scripts.push(element) },
  };
  Object.defineProperties(doc, Object.getOwnPropertyDescriptors(document));
  const realm = { document: doc, navigator: { globalPrivacyControl: gpc }, localStorage: list === undefined ? {} : { "consent.list": list },
    fetch: async (url) => (found.fetched.push(url), { ok: false }) };
  Object.defineProperties(realm, Object.getOwnPropertyDescriptors(window));
  realm.window = realm;
  const context = vm.createContext(realm);
  for (let time = 0; time < times; time++) vm.runInContext(`{${code}}`, context);
  return Object.assign(found, { realm, core: realm.consent?.core, text: found.written.join("") });
}

const entry = (tokens, { signals = "-", purposes = "statistics:g+marketing:g", sum = checksum(tokens) } = {}) => {
  const cookie = `1.fzz.ab12cd34.${signals}.${purposes}..${sum}`;
  return { cookie: `a=b; consent=${cookie}; c=d`, list: `${cookie} ${tokens}` };
};
const policy = (tokens, swallow = "<meta http-equiv=x ") =>
  `<meta http-equiv=Content-Security-Policy content="${STRICT} ${tokens}">${swallow}`;

test("without a choice nothing is written, and the stub stands", () => {
  const { text, core, realm, fetched, listeners } = run();
  assert.equal(text, "");
  assert.deepEqual([core.late, core.list, core.nonce], [false, "", "n"]);
  realm.consent.show(2);
  realm.consent.on("change", 1);
  assert.equal(JSON.stringify(realm.consent.q), '[["show",[2]],["on",["change",1]]]');
  assert.equal(realm.consent.get("statistics"), false);
  assert.deepEqual(fetched, ["https://c.example/c/demo.js"]);
  for (let i = 0; i < 300; i++) listeners.securitypolicyviolation(i);
  assert.equal(core.violations.length, 200);
});

test("a stored choice writes its list and swallows the static policy", () => {
  const { text, core } = run(entry("a.example/x/ wss://*.b.example|"));
  assert.equal(text, policy("a.example/x/ wss://*.b.example"));
  assert.equal(core.list, "a.example/x/ wss://*.b.example");
});

test("under the signal the second half of the list counts, unless the choice was made under it", () => {
  assert.equal(run({ ...entry("a.example b.example|a.example"), gpc: true }).text, policy("a.example"));
  assert.equal(run({ ...entry("a.example b.example|a.example", { signals: "g" }), gpc: true }).text, policy("a.example b.example"));
  for (const gpc of ["1", 1, "true", {}]) assert.equal(run({ ...entry("a.example b.example|a.example"), gpc }).text, policy("a.example b.example"));
  assert.equal(run({ ...entry("a.example|"), gpc: true }).text, "");
});

test("a default counts only where the edge names the law it was made for", () => {
  const made = entry("a.example|", { signals: "-~us" });
  assert.equal(run(made).text, "");
  assert.equal(run({ ...made, cookie: `${made.cookie}; consent_regime=eu` }).text, "");
  assert.equal(run({ ...made, cookie: `${made.cookie}; consent_regime=us` }).text, policy("a.example"));
  assert.equal(run({ ...made, cookie: `${made.cookie}; consent_regime=us; consent_regime=us` }).text, "");
});

test("no policy at all is for owners who chose it", () => {
  const made = entry("*|a.example");
  assert.equal(run(made).text, "");
  assert.equal(run({ ...made, everything: true }).text, "<meta http-equiv=x ");
  assert.equal(run({ ...made, everything: true, gpc: true }).text, policy("a.example"));
  assert.equal(run({ ...entry("* a.example|"), everything: true }).text, "");
});

test("a list that is missing, another choice's, or altered leaves the strict policy", () => {
  const made = entry("a.example|");
  assert.equal(run({ cookie: made.cookie }).text, "");
  assert.equal(run({ ...made, cookie: "" }).text, "");
  assert.equal(run({ ...made, cookie: made.cookie.replace("marketing:g", "marketing:d") }).text, "");
  assert.equal(run({ ...made, list: `${made.list} ` }).text, "");
  assert.equal(run({ ...made, list: `x${made.list}` }).text, "");
  assert.equal(run({ ...made, list: ` ${made.list}` }).text, "");
  assert.equal(run({ ...made, list: made.list.replace("a.example", "b.example") }).text, "");
  assert.equal(run({ ...made, cookie: `${made.cookie}; consent=${made.list.split(" ")[0]}` }).text, "", "two cookies of the name are none");
});

test("one bad token drops the whole list, though its checksum is right", () => {
  for (const token of vectors.tokens.invalid) assert.equal(run(entry(`a.example ${token}|`)).text, "", JSON.stringify(token));
  for (const token of vectors.tokens.valid) assert.equal(run(entry(`${token} b.example|`)).text, policy(`${token} b.example`));
});

test("every choice of the codec's vectors is read", () => {
  for (const { name, cookie } of cookies.valid) {
    const sum = checksum("a.example|");
    const value = cookie.replace(/[^.]*$/, sum).replace(/~[a-z]+/, "");
    assert.equal(run({ cookie: `consent=${value}`, list: `${value} a.example|` }).text, policy("a.example"), name);
  }
});

/** Mulberry32 */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const NASTY = ['"><script>alert(1)</script>', "'unsafe-hashes'", "*", "https:", "\0", "\n", "\u2028", "--><", "<!--", "${1}", "__proto__", "constructor",
  "𝒳", "ſ", "K", "a.example;script-src *", "a.example,", "javascript:1", "//evil.example", "evil.example", "|", " ", "+", "~us", ".", "1e309", "-0"];

test("of 2,000 hostile cookies and lists nothing is thrown, run or written but valid tokens", () => {
  const chance = random(7);
  const pick = (from) => from[Math.floor(chance() * from.length)];
  const mangle = (text) => {
    const at = Math.floor(chance() * (text.length + 1));
    return pick([() => text.slice(0, at) + pick(NASTY) + text.slice(at), () => text.slice(0, at), () => text.slice(at), () => text + text,
      () => text.slice(0, at) + pick(NASTY) + text.slice(at + 3), () => pick(NASTY).repeat(1 + chance() * 2000), () => text])();
  };
  for (let i = 0; i < 2000; i++) {
    const tokens = `${pick(["a.example/x/", mangle("a.example/x/ wss://b.example")])}|${pick(["", "a.example"])}`;
    const made = entry(tokens, { signals: pick(["-", "g", "-~us", mangle("g")]), purposes: mangle("statistics:g"), sum: pick([undefined, mangle("abc")]) });
    const { text, realm } = run({ cookie: pick([mangle, String])(made.cookie), list: pick([mangle, String])(made.list), gpc: chance() < 0.3, everything: chance() < 0.3 });
    if (!text) continue;
    const match = WRITTEN.exec(text);
    assert.ok(match, text);
    const list = match[1]?.slice(STRICT.length + 1);
    if (list) for (const token of list.split(" ")) assert.match(token, /^(wss:\/\/)?(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?(\/[A-Za-z0-9/._~%+@!-]*)?$/);
    assert.equal(realm.consent.core.list, list ?? "*");
  }
});

const closed = (names) => Object.fromEntries(names.map((name) => [name, { get() { throw new Error(`SecurityError: ${name}`); }, configurable: true }]));
const getters = (names) => Object.defineProperties({}, closed(names));

test("where cookies or storage are closed it stays strict, and the stub and the loader work", () => {
  const made = entry("a.example|");
  for (const { document, window } of [{ document: getters(["cookie"]) }, { window: getters(["localStorage"]) }, { document: { currentScript: null } }]) {
    const { text, core, fetched, realm } = run({ ...made, document, window });
    assert.equal(text, "");
    assert.equal(core.v, 1);
    assert.equal(fetched.length, 1);
    assert.equal(realm.consent.get(), false);
  }
  assert.equal(run({ ...made, window: { fetch: undefined } }).text, policy("a.example"));
});

test("it never writes into a page that has begun, nor from a copy of itself, nor where the static policy stands already", () => {
  const made = entry("a.example|");
  for (const document of [{ readyState: "interactive" }, { readyState: "complete" }, { body: {} }, { querySelector: (css) => (css == `meta[content="${STRICT}"]` ? {} : null) },
    { currentScript: { nonce: "", async: true } }]) {
    const { text, core } = run({ ...made, document });
    assert.deepEqual([text, core.late, core.list], ["", true, ""]);
  }
  const { written, fetched } = run({ ...made, times: 3 });
  assert.equal(written.length, 1);
  assert.equal(fetched.length, 1);
});

test("with Trusted Types it writes through its own policy, and not at all where that is forbidden", () => {
  const made = entry("a.example|");
  const names = [];
  const trustedTypes = { createPolicy: (name, rules) => (names.push(name), { ...rules, createHTML: (html) => `trusted:${rules.createHTML(html)}` }) };
  const allowed = run({ ...made, window: { trustedTypes } });
  assert.equal(allowed.text, `trusted:${policy("a.example")}`);
  assert.equal(allowed.core.trusted.createScript("1"), "1", "what comes later uses the same, for a second of the name may be refused");
  assert.deepEqual(names, ["consent"]);
  const forbidden = { createPolicy() { throw new TypeError("name"); } };
  const { text, core, fetched } = run({ ...made, window: { trustedTypes: forbidden } });
  assert.deepEqual([text, core.list, core.late, fetched.length], ["", "", true, 1]);
});

test("the loader runs only what is ours", async () => {
  const answer = (ok, type, text) => ({ ok, headers: { get: () => type }, text: async () => text });
  const cases = [
    [answer(true, "text/javascript; charset=utf-8", "/*consent*/1"), 1], [answer(false, "text/javascript", "/*consent*/1"), 0],
    [answer(true, "text/html", "/*consent*/1"), 0], [answer(true, null, "/*consent*/1"), 0], [answer(true, "text/javascript", "<html>"), 0],
    [answer(true, "text/javascript", " /*consent*/"), 0], [answer(true, "text/javascript", ""), 0],
  ];
  for (const [result, expected] of cases) {
    const { scripts } = run({ window: { fetch: async () => result } });
    await new Promise(setImmediate);
    assert.equal(scripts.length, expected);
    if (expected) assert.deepEqual([scripts[0].src, scripts[0].nonce, scripts[0].crossOrigin], ["https://c.example/c/demo.js", "n", ""]);
  }
});

test("the strict variant always writes a policy, for its page has no static one", () => {
  const dns = "<meta http-equiv=x-dns-prefetch-control content=off>";
  assert.equal(run({ strict: true }).text, `${dns}${policy("", '<meta x="')}`);
  assert.equal(run({ strict: true, window: getters(["localStorage"]) }).text, `${dns}${policy("", '<meta x="')}`);
  assert.equal(run({ strict: true, ...entry("a.example|") }).text, `${dns}${policy("a.example", '<meta x="')}`);
  assert.equal(run({ strict: true, everything: true, ...entry("*|") }).text, '<meta x="');
});

test("while the service is away, what the browser kept of it runs, as text", async () => {
  const kept = { ok: true, headers: { get: () => "text/javascript" }, text: async () => "/*consent*/1" };
  for (const away of [async () => { throw new TypeError("away"); }, async () => ({ ok: false })]) {
    const asked = [];
    const { scripts } = run({ window: { fetch: async (url, { cache }) => (asked.push(cache), cache == "force-cache" ? kept : away()) } });
    await new Promise(setImmediate);
    assert.deepEqual(asked, [undefined, "force-cache"]);
    assert.deepEqual(scripts.map(({ text, src, nonce }) => [text, src, nonce]), [["/*consent*/1", undefined, "n"]]);
  }
});
