import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** A window as far as page.js looks at it. */
const stores = { sessionStorage: new Map(), localStorage: new Map() };
const storage = (map) => ({ getItem: (key) => map.get(key) ?? null, setItem: (key, value) => map.set(key, value), removeItem: (key) => map.delete(key) });
let listeners, submitted;
class Form {
  localName = "form";
  constructor(attributes = {}) { this.attributes = attributes; }
  getAttribute(name) { return this.attributes[name] ?? null; }
}
Object.assign(globalThis, {
  Document: class { get cookie() { return ""; } set cookie(_) {} },
  HTMLFormElement: Form, sessionStorage: storage(stores.sessionStorage), localStorage: storage(stores.localStorage),
  addEventListener: (type, listener) => (listeners[type] ??= []).push(listener),
});
globalThis.window = globalThis;
const { watchPage } = await import("../src/page.js");

beforeEach(() => {
  [listeners, submitted] = [{}, []];
  stores.sessionStorage.clear();
  Form.prototype.submit = function () { submitted.push(this); };
  globalThis.document = { activeElement: null, referrer: "", documentElement: { dataset: {} } };
  globalThis.location = { href: "https://shop.example/a", origin: "https://shop.example", reloads: 0, replaced: [], reload() { this.reloads++; }, replace(url) { this.replaced.push(url); } };
  performance.getEntriesByType = () => [{ type: "navigate", redirectCount: 0 }];
});

const tell = (type, event) => listeners[type].forEach((listener) => listener(event));
const tick = () => new Promise((done) => { setTimeout(done, 5); });
const click = (link, more) => ({ composedPath: () => [{}, { localName: "a", href: "https://shop.example/b", target: "", hasAttribute: () => false, ...link }], button: 0, defaultPrevented: false, ...more });

test("a reload never cancels what the visitor has set out on", async () => {
  for (const set of [() => tell("beforeunload", {}), () => tell("pagehide", {}), () => tell("click", click()),
    () => tell("submit", { target: new Form({ method: "post" }), submitter: null, defaultPrevented: false }), () => new Form().submit()]) {
    listeners = {};
    const page = watchPage(new Set());
    assert.equal(page.facts("x").leaving, false);
    set();
    await tick();
    assert.equal(page.facts("x").leaving, true, String(set));
    page.change("x", true);
    assert.equal(location.reloads, 0);
  }
});

test("what leads nowhere is no leaving", async () => {
  const page = watchPage(new Set());
  for (const [type, event] of [["click", click({}, { defaultPrevented: true })], ["click", click({ target: "_blank" })], ["click", click({}, { ctrlKey: true })],
    ["click", click({ href: "https://shop.example/a#b" })], ["click", click({ href: "mailto:a@shop.example" })],
    ["submit", { target: new Form({ method: "post" }), submitter: null, defaultPrevented: true }], ["submit", { target: new Form({ method: "dialog" }), submitter: null }],
    ["submit", { target: new Form({ target: "_blank" }), submitter: null }]]) {
    tell(type, event);
    await tick();
    assert.equal(page.facts("x").leaving, false, JSON.stringify(event));
  }
  assert.equal(stores.sessionStorage.has("consent.post"), false);
  page.change("x", true);
  assert.equal(location.reloads, 1);
});

test("the page that answers a form is not reloaded, also when a script has sent it", () => {
  watchPage(new Set());
  const form = new Form({ method: "POST" });
  form.submit();
  assert.deepEqual(submitted, [form]);
  assert.equal(watchPage(new Set()).facts("x").posted, true);
});

test("a page to which another site has led is asked for anew and not reloaded, for it may answer that site's form", () => {
  for (const [referrer, foreign] of [["https://bank.example/3ds", true], ["https://shop.example.evil.example/", true], ["https://shop.example/", false], ["https://shop.example/cart", false], ["", false]]) {
    listeners = {};
    Object.assign(location, { href: "https://shop.example/a#b", reloads: 0, replaced: [] });
    document.referrer = referrer;
    watchPage(new Set()).change("x", true);
    assert.deepEqual([location.reloads, location.replaced], foreign ? [0, ["https://shop.example/a"]] : [1, []], referrer);
  }
});

test("an owner can keep a page from being reloaded", () => {
  document.documentElement.dataset.consentReload = "never";
  assert.equal(watchPage(new Set()).facts("x").posted, true);
});

test("what was entered counts: before we came, in a shadow root, in a frame; not what holds what it came with", async () => {
  const touched = new Set();
  const page = watchPage(touched);
  const typed = () => page.facts("x").typed;
  const field = { localName: "input", isConnected: true, value: "", defaultValue: "", checked: false, defaultChecked: false };
  touched.add(field);
  assert.equal(typed(), false);
  field.value = "x";
  assert.equal(typed(), true);
  touched.clear();
  touched.add({ localName: "rich-editor", isConnected: true });
  assert.equal(typed(), true);
  touched.clear();
  const option = { selected: true, defaultSelected: true };
  touched.add({ localName: "select", isConnected: true, options: [option] });
  assert.equal(typed(), false);
  option.selected = false;
  assert.equal(typed(), true);

  for (const [matches, expected] of [[false, true], [true, false]]) {
    touched.clear();
    document.activeElement = { localName: "iframe", isConnected: true, matches: () => matches };
    tell("blur", {});
    await tick();
    assert.equal(typed(), expected);
  }
});
