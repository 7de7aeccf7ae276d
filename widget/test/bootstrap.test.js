import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { CHROMIUM, dump } from "./chromium.js";
import { SETTINGS } from "./world.js";

const CHOICE = "1.fzz.ab12cd34.-.statistics:g+marketing:g..abc";

/** A core that has opened something, and cannot have the second bundle. */
const CORE = `window.consent = { q: [], get: () => false, core: { v: 1, key: "", list: "count.example", late: false, violations: [], trusted: { ours: 1 },
  load: (path) => (loads.push(path), /banner/.test(path) ? import("/banner.js") : Promise.reject(new Error("404"))) } };
for (const name of ["show", "accept", "reject", "withdraw", "on"]) consent[name] = (...args) => consent.q.push([name, args]);`;

/** What a case does before and after the bootstrap, and what its first layer does when it is shown. */
const CASES = {
  withdraw: { choice: true, core: true, then: "consent.withdraw()" },
  early: { choice: true, core: true, first: "consent.reject()" },
  accepted: { choice: true, core: true, then: "consent.reject(); consent.accept()" },
  silent: { choice: true, core: true },
  tag: { choice: true, then: "consent.reject()" },
  typed: { choice: true, core: true, then: "window.addEventListener = () => {}; sessionStorage['consent.post'] = 'shown'; consent.reject()" },
  layer: { core: true, layer: `async (store) => {
    const all = { statistics: "g", marketing: "g" }, none = { statistics: "d", marketing: "d" };
    note("accept", await store.decide({ purposes: all, services: {}, control: "accept", layer: 1 }));
    note("trust", store.trust());
    sessionStorage["consent.post"] = "shown";
    note("reject", await store.decide({ purposes: none, services: {}, control: "reject", layer: 1 }));
    note("pendingAfter", store.pending);
  }` },
  turbo: { core: true, layer: `async (store) => {
    const root = store.parts.makeRoot(store, "consent-control", "", document.createElement("p"));
    store.parts.keep(root, "append");
    const turn = () => new Promise((done) => setTimeout(done));
    for (let visit = 0; visit < 50; visit++) { document.body.replaceWith(document.createElement("body")); await turn(); }
    note("kept", root.host.isConnected);
    for (let war = 0; war < 50; war++) { root.host.remove(); await turn(); }
    note("war", root.host.isConnected);
  }` },
};

const page = (name, { choice, core, first = "", then = "", layer }) => `<!doctype html><title>bootstrap</title><script>
const loads = [], result = JSON.parse(sessionStorage.result || "{}");
window.note = (key, value) => { result[key] = value; sessionStorage.result = JSON.stringify(result); };
const begun = +(sessionStorage.begun || 0);
sessionStorage.begun = begun + 1;
if (${!!choice} && !begun) { document.cookie = "consent=${CHOICE};path=/"; localStorage["consent.list"] = "${CHOICE} count.example|"; }
${core ? `if (!begun || ${!!layer}) { ${CORE} }` : ""}
window.layer = ${layer ?? "() => note('asked', true)"};
if (!begun) { ${first} }
</script><body><script src="/bootstrap.js"></script><script>
if (!begun) { ${then} }
setTimeout(() => {
  Object.assign(result, { begun: +sessionStorage.begun, cookie: document.cookie, list: localStorage["consent.list"], pending: localStorage["consent.pending"] });
  document.documentElement.dataset.result = encodeURIComponent(JSON.stringify(result));
}, 2500);
</script>`;

let bootstrap;
const server = createServer(({ url }, answer) => {
  const send = (type, text, status = 200) => answer.writeHead(status, { "Content-Type": type }).end(text);
  if (CASES[url.slice(1)]) return send("text/html", page(url.slice(1), CASES[url.slice(1)]));
  if (url == "/bootstrap.js") return send("text/javascript", bootstrap);
  if (url == "/banner.js" || url == "/c/banner.js") return send("text/javascript", 'consent.attach("banner", (store) => ({ show() { layer(store); }, hide() {} }))');
  return send("text/plain", "", 404);
});

before(async () => {
  const stylesheets = { name: "stylesheets", setup: (plugin) => plugin.onLoad({ filter: /\.css$/ }, ({ path }) => ({ contents: readFileSync(path, "utf8"), loader: "text" })) };
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  const settings = { ...SETTINGS, base: `http://127.0.0.1:${server.address().port}`, layers: { en: { banner: "/c/banner.js", preferences: "/c/preferences.js" } } };
  const built = await build({ entryPoints: [fileURLToPath(new URL("../src/bootstrap.js", import.meta.url))], bundle: true, write: false, format: "iife",
    plugins: [stylesheets], define: { CONSENT_SETTINGS: JSON.stringify(settings) } });
  bootstrap = built.outputFiles[0].text;
});
after(() => server.close());

/** What a case left. */
async function left(t, name) {
  const text = await dump(`http://127.0.0.1:${server.address().port}/${name}`);
  if (text === null) return t.skip(`${CHROMIUM} is not installed: name a Chromium in CHROMIUM`);
  const found = JSON.parse(decodeURIComponent(/data-result="([^"]*)"/.exec(text)[1]));
  return { ...found, body: found.pending && JSON.parse(found.pending)[0].body };
}

test("a withdrawal holds though what decides cannot be loaded: no choice, no list, noted for later, and the page begins anew", async (t) => {
  for (const [name, control] of [["withdraw", "withdraw"], ["early", "api"]]) {
    const found = await left(t, name);
    if (!found) return;
    assert.deepEqual([found.cookie, found.list, found.begun, found.asked], ["consent=0", undefined, 2, undefined], name);
    assert.equal(found.body.control, control);
    assert.match(found.body.key, /^[\w-]{22}$/);
  }
});

test("an accept after it takes it back, and needs what cannot be had: nothing changes, and nobody who has chosen is asked", async (t) => {
  for (const name of ["accepted", "silent"]) {
    const found = await left(t, name);
    if (!found) return;
    assert.equal(found.pending, undefined, name);
    assert.deepEqual([found.cookie, found.begun, found.asked], [`consent=${CHOICE}`, 1, undefined]);
  }
});

test("without a core, too, there is something to call", async (t) => {
  const found = await left(t, "tag");
  if (found) assert.deepEqual([found.cookie, found.body.control, found.begun], ["consent=0", "api", 1]);
});

test("what answers a form is not loaded again for a refusal", async (t) => {
  const found = await left(t, "typed");
  if (found) assert.deepEqual([found.cookie, found.begun], ["consent=0", 1]);
});

test("a layer is told the truth, and given the core's own policy", async (t) => {
  const found = await left(t, "layer");
  if (!found) return;
  assert.deepEqual(found.accept, { recorded: false, applied: "not" });
  assert.deepEqual(found.trust, { ours: 1 });
  assert.deepEqual(found.reject, { recorded: false, applied: "next" });
  assert.equal(found.pendingAfter, true);
  assert.equal(found.body.control, "reject");
});

test("what we show stays through any number of new bodies, and gives way where the page takes it out", async (t) => {
  const found = await left(t, "turbo");
  if (found) assert.deepEqual([found.kept, found.war], [true, false]);
});
