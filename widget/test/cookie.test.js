import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checksum, decode, encode, read } from "../src/cookie.js";

const vectors = JSON.parse(readFileSync(new URL("../../tests/vectors/cookie.json", import.meta.url), "utf8"));
const plain = (choice) => choice && JSON.parse(JSON.stringify(choice));

test("every valid cookie reads as the choice that Python reads, and writes back as itself", () => {
  for (const { name, cookie, choice } of vectors.valid) {
    assert.deepEqual(plain(decode(cookie)), choice, name);
    assert.equal(encode(choice), cookie, name);
    assert.deepEqual(Object.keys(decode(cookie).purposes), Object.keys(choice.purposes), name);
  }
});

test("whatever does not match the whole pattern is no choice", () => {
  for (const { name, cookie } of vectors.invalid) assert.equal(decode(cookie), null, name);
});

test("two cookies of the name count as the stricter of both", () => {
  for (const { name, cookie_name, header, choice } of vectors.headers) assert.deepEqual(plain(read(header, cookie_name)), choice, name);
});

test("checksums are those of the service", () => {
  for (const { text, sum } of vectors.sums) assert.equal(checksum(text), sum);
});

test("a choice that would not read back is not written", () => {
  assert.equal(encode({ day: 1, scope: "x", gpc: false, regime: "", purposes: {}, services: {}, sum: "0" }), "");
});
