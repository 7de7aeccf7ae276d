import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { CHROMIUM, dump } from "./chromium.js";

/** The page: marked-up elements, then the release of all that is `statistics`, then what ran. */
const page = (script) => `<!doctype html><title>release</title>
<script>window.log = []; const note = (name) => log.push(name)</script>
<script type="text/plain" data-category="statistics" data-src="/slow.js?blocking"></script>
<script type="text/plain" data-category="statistics">note("inline after blocking")</script>
<script type="text/plain" data-category="statistics" data-src="/s.js?deferred" defer></script>
<script type="text/plain" data-category="statistics" data-src="/slower.js?async" async></script>
<script type="text/plain" data-category="statistics" data-type="module">note("module")</script>
<script type="text/plain" data-category="statistics" data-src="/missing.js"></script>
<script type="text/plain" data-category="statistics">note("inline after a failure"); document.write("wiped"); document.writeln("wiped")</script>
<script type="text/plain" data-category="statistics">note("beside " + document.currentScript.previousElementSibling.localName)</script>
<script type="text/plain" data-category="statistics">throw new Error("the page's own mistake")</script>
<script type="text/plain" data-category="statistics" src="/s.js?src"></script>
<script type="text/plain" data-category="marketing">note("never")</script>
<script type="text/plain" data-category="statistics marketing">note("never, for both are needed")</script>
<script type="text/plain" data-category="statistics" data-service="video">note("never, for the service is refused")</script>
<script type="text/plain" data-category="">note("never, for it names nothing")</script>
<script type="text/plain" data-service>note("never, for it names nothing")</script>
<script type="text/plain" data-category="unknown">note("never, for nobody knows it")</script>
<script type="text/plain" data-category="late" data-src="/s.js?before"></script>
<script type="text/plain" data-category="late">withdraw()</script>
<script type="text/plain" data-category="late">note("never, for it was withdrawn")</script>
<img data-category="statistics" data-src="/i.gif"><iframe data-service="video" data-src="/f"></iframe>
<main></main><script>${script}</script>`;

const DRIVER = `
import { releaseMarked } from "./marked.js";
const listeners = [];
let open = false;
let late = true;
window.withdraw = () => { late = false; };
const store = { on: (_, listener) => listeners.push(listener), trust: () => ({ createScript: String, createScriptURL: String }), nonce: "" };
releaseMarked({ allows: (key) => open && (key == "statistics" || late && key == "late"), current: () => true, watch() {} }, store);
setTimeout(() => {
  note("before: " + document.images[0].getAttribute("src"));
  open = true;
  listeners.forEach((listener) => listener());
  setTimeout(() => {
    document.querySelector("main").textContent = JSON.stringify({ log, image: document.images[0].getAttribute("src"), frame: document.querySelector("iframe").getAttribute("src") });
  }, 1500);
}, 100);`;

const server = createServer(({ url }, answer) => {
  const send = (type, text, status = 200) => answer.writeHead(status, { "Content-Type": type }).end(text);
  if (url == "/") return send("text/html", page(server.script));
  if (!/^\/(s|slow|slower)\.js/.test(url)) return send("text/plain", "", 404);
  setTimeout(() => send("text/javascript", `note("${url.split("?")[1]}")`), url.startsWith("/slower") ? 700 : url.startsWith("/slow") ? 200 : 0);
});
after(() => server.close());

test("what was marked up runs as a parser would have run it, where it stands, and nothing of what is refused", async (t) => {
  const built = await build({ stdin: { contents: DRIVER, resolveDir: fileURLToPath(new URL("../src/", import.meta.url)) }, bundle: true, write: false, format: "iife" });
  server.script = built.outputFiles[0].text;
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  const text = await dump(`http://127.0.0.1:${server.address().port}/`);
  if (text === null) return t.skip(`${CHROMIUM} is not installed: name a Chromium in CHROMIUM`);

  const found = JSON.parse(/<main>(.*)<\/main>/.exec(text)[1]);
  assert.deepEqual(found.log.filter((name) => name != "async"), ["before: null", "blocking", "inline after blocking", "inline after a failure",
    "beside script", "src", "before", "deferred", "module"]);
  assert.ok(found.log.includes("async"));
  assert.deepEqual([found.image, found.frame], ["/i.gif", null]);
});
