import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checksum } from "../src/cookie.js";
import { listText } from "../src/list.js";
import { both, covers, inForce, lifetime, regimeKey, runs, serviceOf, status } from "../src/rules.js";
import { SETTINGS } from "./world.js";

const vectors = JSON.parse(readFileSync(new URL("../../tests/vectors/csp.json", import.meta.url), "utf8"));

test("a source covers what the service says it covers", () => {
  for (const [a, b, expected] of vectors.covers) assert.equal(covers(a, b), expected, `${a} covers ${b}`);
});

test("lists and their checksums are composed as the service composes them", () => {
  const { purposes, services, cases } = vectors.lists;
  for (const { name, decided, text, checksum: sum, everything } of cases) {
    assert.equal(listText({ ...SETTINGS, purposes, services, everything: everything ?? false }, decided), text, name);
    assert.equal(checksum(text), sum, name);
  }
});

/** letter of the choice, signal now, signal at the choice → status of a purpose that the signal covers, and of one it does not */
const STATUSES = [
  [null, false, false, "unset", "unset"], [null, true, false, "denied", "unset"],
  ["g", false, false, "granted", "granted"], ["g", true, false, "denied", "granted"], ["g", true, true, "granted", "granted"],
  ["g", false, true, "granted", "granted"], ["d", false, false, "denied", "denied"], ["d", true, true, "denied", "denied"],
  ["w", false, false, "withdrawn", "withdrawn"], ["w", true, false, "denied", "withdrawn"], ["o", true, true, "objected", "objected"],
];

test("a purpose's state follows the letter, and the signal where it covers it", () => {
  for (const [letter, gpc, then, covered, free] of STATUSES) {
    const choice = letter && { gpc: then, purposes: { statistics: letter, marketing: letter }, services: {} };
    assert.equal(status(SETTINGS, choice, gpc, "marketing"), covered, `${letter} ${gpc} ${then}`);
    assert.equal(status(SETTINGS, choice, gpc, "statistics"), free, `${letter} ${gpc} ${then}`);
    assert.equal(status(SETTINGS, choice, gpc, "necessary"), "granted");
    assert.equal(status(SETTINGS, choice, gpc, "constructor"), "unset");
  }
});

test("a service runs only if each of its purposes is granted, or it is granted itself", () => {
  const service = { key: "x", purposes: ["statistics", "marketing", "necessary"] };
  for (const a of ["g", "d", "w", "o", undefined]) for (const b of ["g", "d", "w", "o", undefined]) for (const own of ["g", "d", undefined]) {
    const letters = { purposes: { ...(a && { statistics: a }), ...(b && { marketing: b }) }, services: own ? { x: own } : {} };
    assert.equal(runs(SETTINGS, letters, service), own ? own == "g" : a == "g" && b == "g");
  }
  assert.equal(runs(SETTINGS, { purposes: {}, services: {} }, { key: "y", purposes: ["necessary"] }), true);
  assert.equal(runs(SETTINGS, { purposes: {}, services: {} }, { key: "constructor", purposes: ["tostring"] }), false);
});

test("until a grant is recorded only what old and new choice both allow is in force", () => {
  const letters = ["g", "d", undefined];
  const choices = letters.flatMap((a) => letters.flatMap((b) => letters.map((own) => (
    { purposes: { ...(a && { statistics: a }), ...(b && { marketing: b }) }, services: own ? { video: own } : {} }))));
  for (const old of choices) for (const wanted of choices) {
    const interim = both(SETTINGS, old, wanted);
    for (const service of SETTINGS.services) {
      assert.equal(runs(SETTINGS, interim, service), runs(SETTINGS, old, service) && runs(SETTINGS, wanted, service),
        JSON.stringify([old, wanted, interim, service.key]));
    }
    for (const key of ["statistics", "marketing"]) if (wanted.purposes[key] == "d") assert.equal(interim.purposes[key], "d");
  }
});

test("under the signal a grant given without it is denied, with the services of its purposes", () => {
  const choice = { gpc: false, purposes: { statistics: "g", marketing: "g" }, services: { video: "g" } };
  const held = inForce(SETTINGS, choice, true);
  assert.deepEqual(SETTINGS.services.map((service) => runs(SETTINGS, held, service)), [true, true, false, false]);
  assert.equal(inForce(SETTINGS, { ...choice, gpc: true }, true).purposes.marketing, "g");
});

test("a refusal is not asked again before the law's time; a grant lives as long as the owner says", () => {
  const short = { ...SETTINGS, days: 90 };
  const { eu, us } = SETTINGS.regimes;
  assert.equal(lifetime(short, eu, { purposes: { statistics: "g" }, services: {} }), 90);
  assert.equal(lifetime(short, eu, { purposes: { statistics: "d" }, services: {} }), 180);
  assert.equal(lifetime(short, us, { purposes: { statistics: "g", marketing: "d" }, services: {} }), 365);
});

test("the edge's word on the place wins, the service's comes next, the strictest last", () => {
  assert.equal(regimeKey(SETTINGS, "us"), "us");
  assert.equal(regimeKey({ ...SETTINGS, regime: "us" }, ""), "us");
  assert.equal(regimeKey({ ...SETTINGS, regime: "us" }, "eu"), "eu");
  for (const said of ["", "xx", "constructor", "__proto__"]) assert.equal(regimeKey(SETTINGS, said), "eu");
});

test("a URL belongs to the service with the longest source that lets it through", () => {
  const settings = { ...SETTINGS, services: [
    { key: "wide", sources: ["*.x.example"] }, { key: "deep", sources: ["a.x.example/deep/"] }, { key: "socket", sources: ["wss://*.x.example"] }] };
  assert.equal(serviceOf(settings, "https://a.x.example/deep/b.js?c#d").key, "deep");
  assert.equal(serviceOf(settings, "http://a.x.example/b.js").key, "wide");
  assert.equal(serviceOf(settings, "wss://a.x.example/").key, "socket");
  assert.equal(serviceOf(settings, "ws://a.x.example/").key, "socket");
  assert.equal(serviceOf(settings, "https://x.example/"), null);
});
