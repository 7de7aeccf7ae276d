/**
 * Brings each decision to the service exactly once, over lost answers, closed tabs and days without a network.
 *
 * Decisions wait in localStorage, oldest first, and go one after another, since a change needs the receipt of the choice
 * before it. A body is never altered after its first send: its key makes the service take a repeat for what it is.
 *
 * @typedef {Record<string, any> & { key: string }} Body
 * @typedef {{ body: Body, tries: number }} Waiting
 * @typedef {{ status: number, wait: number, data: any }} Answer wait: what Retry-After asks for, in seconds
 * @typedef {"recorded" | "waiting" | "outdated" | "refused" | "elsewhere"} Result elsewhere: another tab has brought it to its end
 * @typedef {Pick<import("./types").Surroundings, "post" | "key" | "later" | "lock"> & { rest(): object } & Pick<import("./types").View, "local">} Surroundings
 */

import { json } from "./json.js";
import { RECEIPT, readReceipts, remember } from "./receipts.js";
import { PENDING } from "./store.js";

/** More than this waits only where something is broken; the oldest are given up. */
const MOST_WAITING = 20;
const MOST_TRIES = 100;

/** @param {string | null} text */
function parse(text) {
  try {
    return JSON.parse(text || "null");
  } catch {
    return null;
  }
}

/**
 * @param {Surroundings} env
 * @param {(body: Body, result: Result, answer: Answer | null, last: boolean) => void} settled
 *   told of each decision that leaves the queue; `last`: no later one waits
 * @param {() => void} lapsed told that an answer came for a decision that has left the queue already
 */
export function createTransport(env, settled, lapsed) {
  /** @type {Waiting[]} what is kept when storage is closed */
  let memory = [];
  let closed = false;
  /** @type {Promise<void> | null} */
  let running = null;
  let pauses = 0;
  /** @type {Map<string, (result: Result) => void>} */
  const told = new Map();

  /** @returns {Waiting[]} */
  function waiting() {
    if (closed) return memory;
    const stored = parse(env.local.get(PENDING));
    return Array.isArray(stored)
      ? stored.filter((item) => item && /^[\w-]{22}$/.test(item.body?.key) && item.tries < MOST_TRIES).slice(-MOST_WAITING) : [];
  }

  /** @param {Waiting[]} items */
  function keep(items) {
    memory = items;
    const text = items.length ? json(items) : null;
    env.local.set(PENDING, text);
    closed = env.local.get(PENDING) != text;
  }

  /** @param {Body} body @param {Result} result */
  function tell({ key }, result) {
    told.get(key)?.(result);
    told.delete(key);
  }

  /** The first send fixes the body, receipt of the choice before it included. @param {Waiting} item */
  function address(item) {
    if (!item.body.hash) item.body = { ...env.rest(), ...item.body }; // a refusal from when there was nothing to decide with
    const { receipt, key } = item.tries ? {} : readReceipts(env.local.get(RECEIPT));
    if (receipt) Object.assign(item.body, { receipt, write_key: key });
    item.tries++;
    keep(waiting().map((other) => (other.body.key == item.body.key ? item : other)));
  }

  /** Where there is no room for the proofs, at least what it takes to change this choice. @param {import("./receipts.js").Receipts} receipts */
  function keepReceipts({ receipt, key, said }) {
    for (const kept of [said, []]) {
      const text = receipt || kept.length ? json({ receipt, key, ...(kept.length && { said: kept }) }) : null;
      env.local.set(RECEIPT, text);
      if (env.local.get(RECEIPT) == text) return;
    }
  }

  /**
   * @param {Body} body
   * @param {Answer | null} answer
   * @returns {Result | "again"}
   */
  function judge(body, answer) {
    const { status, data } = answer || { status: 0, data: null };
    if ((status == 201 || status == 200) && data?.id && data.receipt) {
      keepReceipts(remember(readReceipts(env.local.get(RECEIPT)), data));
      return "recorded";
    }
    if (status == 409 && data?.error == "policy_outdated") return "outdated";
    if (status == 403 && data?.error == "wrong_write_key" && body.receipt) return "again";
    return status >= 400 && status < 500 && ![408, 425, 429].includes(status) && data?.error ? "refused" : "waiting";
  }

  /** The receipt was of no use: the choice begins a chain of its own, under a new key. @param {Waiting} item */
  function restart(item) {
    keepReceipts({ said: readReceipts(env.local.get(RECEIPT)).said });
    const { receipt, write_key, ...body } = item.body;
    const fresh = { body: { ...body, key: env.key() }, tries: 0 };
    keep(waiting().map((other) => (other.body.key == item.body.key ? fresh : other)));
    const listener = told.get(item.body.key);
    if (listener) told.set(fresh.body.key, listener);
    told.delete(item.body.key);
    return fresh.body.key;
  }

  /**
   * Sends what waits, one tab at a time. What other tabs add meanwhile is theirs to send.
   * @returns {Promise<void>}
   */
  function drain() {
    const asked = new Set(waiting().map(({ body }) => body.key));
    const run = env.lock(() => sendAll(asked)).then(() => { if (running == run) running = null; });
    return running = run;
  }

  /** @param {Set<string>} mine keys */
  async function sendAll(mine) {
    for (let item; (item = waiting()[0]) && mine.has(item.body.key);) {
      address(item);
      const answer = await env.post(item.body).catch(() => null);
      const result = judge(item.body, answer);
      if (result == "waiting") {
        pause(answer?.wait || 0);
        break;
      }
      if (result == "again") {
        mine.add(restart(item));
        continue;
      }
      pauses = 0;
      const key = item.body.key;
      const left = waiting().filter((other) => other.body.key != key);
      if (left.length == waiting().length) lapsed();
      else {
        keep(left);
        settled(item.body, result, answer, !left.length);
      }
      tell(item.body, result);
    }
    const left = waiting();
    for (const key of mine) tell({ key }, left.some(({ body }) => body.key == key) ? "waiting" : "elsewhere");
  }

  /** @param {number} asked seconds */
  function pause(asked) {
    if (pauses < 8) env.later(resume, 1000 * Math.max(Math.min(asked, 300), 2 ** pauses++ * (0.75 + Math.random() / 2)));
  }

  const resume = () => running || drain();

  // Rubbish, or what was tried for too long: nobody will send it, so it must not look as if somebody did.
  if (env.local.get(PENDING) != null && !waiting().length) env.local.set(PENDING, null);

  return {
    resume,

    /** The last decision that is not yet acknowledged. */
    newest: () => waiting().at(-1)?.body,

    /**
     * @param {Body} body
     * @returns {Promise<Result>} after the first try
     */
    send(body) {
      keep([...waiting(), { body, tries: 0 }].slice(-MOST_WAITING));
      return new Promise((resolve) => {
        told.set(body.key, resolve);
        drain();
      });
    },
  };
}
