import assert from "node:assert/strict";
import { test } from "node:test";
import { readReceipts, remember } from "../src/receipts.js";
import { ALL, Browser, NONE, Service } from "./world.js";

const proved = (id, more = {}) => ({ record: { id, receipt: "r", action: "given" }, proof: "p", vkey: "v", ...more });
const answer = (id, more = {}) => ({ id, receipt: "r", ...proved(id), ...more });

test("the last ten choices are kept with their proofs, a repeated answer once", () => {
  let held = remember(readReceipts(null), answer("0", { write_key: "k" }));
  for (let at = 1; at < 13; at++) held = remember(held, answer(String(at)));
  held = remember(held, answer("12", { proof: "newer" }));

  assert.deepEqual([held.receipt, held.key, held.said.length], ["r", "k", 10]);
  assert.deepEqual(held.said.map(({ record }) => record.id), ["3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
  assert.equal(held.said[9].proof, "newer");
});

test("an answer without a proof, as of an older service, keeps what is there", () => {
  const held = remember(readReceipts('{"receipt":"r","key":"k"}'), answer("1"));
  assert.deepEqual(remember(held, { id: "2", receipt: "r" }), held);
  assert.deepEqual(readReceipts('{"receipt":"r","key":"k"}'), { receipt: "r", key: "k", said: [] });
});

test("hostile storage is nothing, and nothing of it is run or kept", () => {
  const long = "x".repeat(20_000);
  for (const text of ["", "{", "7", "[]", '"x"', "null", '{"said":{"length":3}}', '{"receipt":{},"key":[],"said":[null,1,"x",[],{},{"record":[]}]}',
    JSON.stringify({ receipt: long, key: "k", said: [proved("1", { proof: long }), proved(long), proved("1", { vkey: 7 }), { record: { id: "1", x: long }, proof: "p", vkey: "v" }] })]) {
    assert.deepEqual(readReceipts(text), { said: [] }, text.slice(0, 60));
  }
  const [kept] = readReceipts(JSON.stringify({ said: [{ ...proved("1"), toJSON: "x", constructor: "y" }] })).said;
  assert.deepEqual(Object.keys(kept), ["record", "proof", "vkey"]);
});

test("a receipt that the service does not take any more begins a new chain; what was proved stays", async () => {
  const service = new Service();
  const browser = new Browser(service, { deliver: async (body) => {
    const said = service.post(JSON.parse(JSON.stringify(body)));
    if (said.data.id) Object.assign(said.data, { record: { id: said.data.id }, proof: "p", vkey: "v" });
    return said;
  } });
  await browser.open().decide(NONE);
  service.receipts.clear();
  await browser.open().decide(ALL);

  const { receipt, said } = readReceipts(browser.local.get("consent.receipt"));
  assert.deepEqual([receipt, said.map(({ record }) => record.id)], ["r0", ["id0", "id1"]]);
});

test("where there is no room for proofs, the key to change the choice is kept", async () => {
  const service = new Service();
  const browser = new Browser(service, { deliver: async (body) => {
    const said = service.post(JSON.parse(JSON.stringify(body)));
    return { ...said, data: { ...said.data, record: { id: said.data.id }, proof: "p".repeat(9000), vkey: "v" } };
  } });
  const { set } = browser.local;
  browser.local.set = (key, value) => { if (!value || value.length < 5000) set(key, value); };
  await browser.open().decide(NONE);

  assert.deepEqual(JSON.parse(browser.local.get("consent.receipt")), { receipt: "r0", key: "k0" });
});
