import assert from "node:assert/strict";
import { test } from "node:test";
import { pageOf, referrerOf } from "../src/telemetry/address.js";
import { createSender } from "../src/telemetry/sender.js";
import { customerOf, eventOf } from "../src/telemetry/told.js";

test("of an address no more is told than the policy keeps", () => {
  const href = "https://me:pw@shop.test/a/b?ref=1&utm_source=mail&token=secret#part";
  assert.equal(pageOf(href), "https://shop.test/a/b");
  assert.equal(pageOf(href, ["ref"]), "https://shop.test/a/b?ref=1");
  assert.equal(pageOf(href, ["ref"], true), "https://shop.test/a/b?ref=1&utm_source=mail");
  assert.equal(pageOf("https://shop.test/#/cart?token=1"), "https://shop.test/%23/cart", "a router's fragment is a page");
  assert.equal(pageOf(`https://shop.test/${"x".repeat(5000)}`).length, 2000);
  assert.equal(referrerOf("https://search.example/find?q=illness#x"), "https://search.example/find");
  for (const none of ["", "about:client", "android-app://com.example"]) assert.equal(referrerOf(none), "");
});

test("events of the page are plain, short, and not taken for ours", () => {
  assert.deepEqual(eventOf("signup", { plan: "pro", seats: 3, trial: true, deep: { a: 1 }, NaN: 1, rate: NaN, "Key 1": 1, long: "x".repeat(900) }, []),
    { event: "signup", props: { plan: "pro", seats: 3, trial: true, long: "x".repeat(100) } });
  const much = eventOf("signup", Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`k${at}`, "\\".repeat(200)])), []).props;
  assert.ok(Object.keys(much).length > 2 && JSON.stringify(much).length <= 1000);
  for (const name of ["view", "engagement", "outbound", "blocked", "Sign up", "", 7, null, {}]) assert.equal(eventOf(name, {}, []), null);
  assert.equal(eventOf("signup", null, ["order"]), null, "the policy names its events");
  assert.deepEqual(eventOf("order", "no object", ["order"]), { event: "order", props: {} });
});

test("of a customer only what the policy declares", () => {
  assert.deepEqual(customerOf({ id: 17, fields: { plan: "pro", seats: 3, email: "a@b.example" } }, ["plan", "seats"]), { id: "17", fields: { plan: "pro", seats: "3" } });
  for (const none of [null, "17", {}, { id: {} }]) assert.equal(customerOf(none, ["plan"]), undefined);
});

/** A sender over a service that is answered by hand. */
function sending() {
  const world = { allowed: true, counts: false, posts: [], timers: [] };
  world.sender = createSender({
    head: () => (world.allowed ? { choice: "1.x" } : null),
    once: () => world.counts,
    later: (run, ms) => world.timers.push([run, ms]),
    post: (body) => new Promise((resolve, reject) => world.posts.push({ body: JSON.parse(body), size: body.length,
      answer: (status, wait = 0) => { resolve({ status, wait }); return settle(); }, fail: () => { reject(new Error("net")); return settle(); } })),
  });
  world.turn = () => { for (const [run] of world.timers.splice(0)) run(); return settle(); };
  return world;
}
const settle = () => new Promise((done) => { setImmediate(done); });
const event = (id, more = {}) => ({ id, event: "view", time: 1, url: "https://shop.test/", ...more });
const ids = ({ body }) => body.events.map(({ id }) => id);

test("one request at a time; what comes meanwhile goes with the next", async () => {
  const world = sending();
  world.sender.add(event("a"));
  await world.turn();
  assert.equal(world.posts.length, 0, "it waits until the page says so");
  world.sender.release();
  await world.turn();
  world.sender.add(event("b"));
  world.sender.add(event("c"));
  await world.turn();
  world.sender.leave();
  assert.deepEqual(world.posts.map(ids), [["a"]], "nobody knows yet whose the next would be");
  await world.posts[0].answer(202);
  await world.turn();
  assert.deepEqual(world.posts.map(ids), [["a"], ["b", "c"]]);
  world.sender.add(event("d"));
  world.sender.leave();
  assert.deepEqual(ids(world.posts[2]), ["d"], "a page that is left does not wait for an answer");
});

test("a page that is left sends all that waits, once it is known whose that is", async () => {
  const world = sending();
  world.sender.release();
  world.sender.add(event("a"));
  await world.turn();
  await world.posts[0].answer(202);
  for (let at = 0; at < 130; at++) world.sender.add(event(`e${at}`));
  world.sender.leave();
  assert.deepEqual(world.posts.map((post) => ids(post).length), [1, 50, 50, 30]);

  const early = sending();
  for (let at = 0; at < 130; at++) early.sender.add(event(`e${at}`));
  early.sender.leave();
  assert.deepEqual(early.posts.map((post) => ids(post).length), [50], "two early ones would be two visitors");
});

test("what the service does not take is tried again, with the same ids, and dropped in the end", async () => {
  const world = sending();
  world.sender.release();
  world.sender.add(event("a"));
  await world.turn();
  await world.posts[0].answer(503, 30);
  assert.equal(world.timers.at(-1)[1], 30_000, "as long as it asks for");
  for (let at = 1; at < 5; at++) {
    await world.turn();
    assert.deepEqual(ids(world.posts[at]), ["a"]);
    await world.posts[at].fail();
  }
  await world.turn();
  assert.equal(world.posts.length, 5);
  world.sender.add(event("b"));
  await world.turn();
  await world.posts[5].answer(422);
  await world.turn();
  assert.deepEqual(world.posts.slice(5).map(ids), [["b"]], "a refusal is not argued with");
});

test("a count that gets no answer may have arrived, and is not sent again; one that was not taken is", async () => {
  const world = sending();
  world.counts = true;
  world.sender.add(event("a"));
  world.sender.leave();
  await world.posts[0].answer(503, 1);
  await world.turn();
  await world.posts[1].fail();
  await world.turn();
  world.sender.leave();
  assert.deepEqual(world.posts.map(ids), [["a"], ["a"]]);
});

test("batches stay within what the service takes, and the queue within its bound", async () => {
  const world = sending();
  for (let at = 0; at < 300; at++) world.sender.add(event(`e${at}`, { props: { text: "ü".repeat(at % 2 ? 1900 : 1) } }));
  world.sender.release();
  for (let at = 0; ; at++) {
    await world.turn();
    if (!world.posts[at]) break;
    await world.posts[at].answer(202);
  }
  assert.equal(world.posts.flatMap(ids).length, 200);
  assert.equal(new Set(world.posts.flatMap(ids)).size, 200);
  for (const { body } of world.posts) assert.ok(body.events.length <= 50 && Buffer.byteLength(JSON.stringify(body)) <= 60_000);
});

test("after the end nothing that waits is sent, nor what comes back from under way", async () => {
  const world = sending();
  world.sender.release();
  world.sender.add(event("a"));
  await world.turn();
  world.sender.add(event("b"));
  world.sender.clear();
  await world.posts[0].answer(503);
  await world.turn();
  world.sender.leave();
  assert.equal(world.posts.length, 1);

  world.sender.add(event("c"));
  world.allowed = false;
  world.sender.leave();
  world.allowed = true;
  world.sender.leave();
  assert.equal(world.posts.length, 1, "what may not be sent is not kept for later");
});

test("who does not bring the cookies back that came is nobody, and told of no more", async () => {
  const world = sending();
  world.sender.release();
  world.sender.add(event("a"));
  await world.turn();
  await world.posts[0].answer(205);
  world.sender.add(event("b"));
  await world.turn();
  assert.deepEqual(ids(world.posts[1]), ["a", "b"]);
  await world.posts[1].answer(205);
  world.sender.add(event("c"));
  await world.turn();
  world.sender.leave();
  assert.equal(world.posts.length, 2);
});
