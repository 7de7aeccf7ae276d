import assert from "node:assert/strict";
import { test } from "node:test";
import { SETTINGS } from "./world.js";

test("what the page's script decides is told apart: a withdrawal is one, the rest is the API's", async () => {
  globalThis.window = globalThis;
  globalThis.document = { dispatchEvent() {} };
  EventTarget.prototype.dispatchEvent = () => true;
  globalThis.consent = { q: [["reject", []]] };
  const { exposeApi } = await import("../src/api.js");
  const decided = [];
  exposeApi({ settings: SETTINGS, allows: () => false, status: (key) => (key == "statistics" ? "granted" : "unset"), on() {}, decide: (decision) => decided.push(decision) });
  consent.withdraw();
  consent.accept();
  assert.deepEqual(decided.map(({ control, layer }) => [control, layer]), [["api", 0], ["withdraw", 0], ["api", 0]]);
  assert.deepEqual(decided[1].purposes, { statistics: "w", marketing: "d" });
});
