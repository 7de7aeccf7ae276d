import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { CHROMIUM, dump } from "./chromium.js";

const DRIVER = `
import { notice } from "./banner/notice.js";
import { currentSwitches, saved } from "./banner/switches.js";
import { dress, keep, makeRoot } from "./banner/parts.js";
const texts = new Proxy({}, { get: (_, key) => key });
const heard = {};
let outcome, stays = false;
const purposes = [{ key: "marketing", title: "m", summary: "s", required: false }];
const store = { settings: { theme: { position: "bottom" }, purposes, services: [{ key: "video", purposes: ["marketing"] }] }, language: "en", regime: { model: "opt-in" },
  parts: { dress, keep, makeRoot }, on: (type, listener) => { heard[type] = listener; }, choice: null, pending: false,
  status: () => "denied", letters: () => ({ purposes: { marketing: "d" }, services: { video: "d" } }), text: (key) => key, excessive: () => stays, decide: async () => outcome };
const root = () => document.querySelector("consent-banner").shadowRoot;
const layer = notice(store, { texts, language: "en", dir: "ltr", controller: { name: "c" }, purposes, third_parties: 0 });
const result = {};
const turn = () => new Promise((done) => setTimeout(done, 20));
const say = async (next, open) => {
  [outcome, stays] = [next, open];
  layer.show(null);
  root().querySelector("[data-consent=reject]").click();
  await turn();
  const status = root().querySelector("[role=status]");
  return [status.firstChild.textContent, ...[...status.querySelectorAll("button")].map((button) => button.textContent)];
};
(async () => {
  result.stays = await say({ recorded: true, applied: "next" }, true);
  result.next = await say({ recorded: true, applied: "next" }, false);
  result.not = await say({ recorded: false, applied: "not" }, false);
  layer.show(null);
  heard.change({});
  result.open = !!root().querySelector("section");
  store.pending = true;
  heard.change({});
  result.pending = !!root().querySelector("section");
  store.choice = { services: { video: "g" }, purposes: { marketing: "g" } };
  const switches = currentSwitches(store);
  result.switches = [switches.purposes.marketing, switches.services.video];
  result.saved = saved(store, switches).services;
  document.documentElement.dataset.result = encodeURIComponent(JSON.stringify(result));
})();`;

const server = createServer((_, answer) => answer.writeHead(200, { "Content-Type": "text/html" }).end(server.page));
after(() => server.close());

test("the layers tell what became of a choice, close while it waits, and show what is in force", async (t) => {
  const stylesheets = { name: "stylesheets", setup: (plugin) => plugin.onLoad({ filter: /\.css$/ }, ({ path }) => ({ contents: readFileSync(path, "utf8"), loader: "text" })) };
  const built = await build({ stdin: { contents: DRIVER, resolveDir: fileURLToPath(new URL("../src/", import.meta.url)) }, bundle: true, write: false, format: "iife", plugins: [stylesheets] });
  server.page = `<!doctype html><title>layers</title><body><script>${built.outputFiles[0].text}</script>`;
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  const text = await dump(`http://127.0.0.1:${server.address().port}/`);
  if (text === null) return t.skip(`${CHROMIUM} is not installed: name a Chromium in CHROMIUM`);

  const found = JSON.parse(decodeURIComponent(/data-result="([^"]*)"/.exec(text)[1]));
  assert.deepEqual(found.stays, ["placeholder_stays", "placeholder_reload", "layer_close"]);
  assert.deepEqual(found.next, ["layer_next", "layer_close"]);
  assert.deepEqual(found.not, ["layer_unloaded", "layer_close"]);
  assert.deepEqual([found.open, found.pending], [true, false], "a decision that waits for the service has been made");
  assert.deepEqual([found.switches, found.saved], [[false, false], {}], "an untouched save under the signal grants nothing");
});
