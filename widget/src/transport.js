/**
 * Brings each decision to the service exactly once, over lost answers, closed tabs and days without a network.
 *
 * Decisions wait in localStorage, oldest first, and go one after another, since a change needs the receipt of the choice
 * before it. A body is never altered after its first send: its key makes the service take a repeat for what it is.
 *
 * @typedef {Record<string, any> & { key: string }} Body
 * @typedef {{ body: Body, tries: number }} Waiting
 * @typedef {{ status: number, wait: number, data: any }} Answer wait: what Retry-After asks for, in seconds
 * @typedef {"recorded" | "waiting" | "outdated" | "refused"} Result
 * @typedef {Pick<import("./types").Surroundings, "post" | "key" | "later"> & Pick<import("./types").View, "local">} Surroundings
 */

import { PENDING } from "./store.js";

const RECEIPT = "consent.receipt";

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
 */
export function createTransport(env, settled) {
  /** @type {Waiting[]} what is kept when storage is closed */
  let memory = [];
  let closed = false;
  let running = false;
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
    const text = items.length ? JSON.stringify(items) : null;
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
    const receipt = item.tries ? null : parse(env.local.get(RECEIPT));
    if (receipt?.receipt && receipt.key) Object.assign(item.body, { receipt: receipt.receipt, write_key: receipt.key });
    item.tries++;
    keep(waiting().map((other) => (other.body.key == item.body.key ? item : other)));
  }

  /**
   * @param {Body} body
   * @param {Answer | null} answer
   * @returns {Result | "again"}
   */
  function judge(body, answer) {
    const { status, data } = answer || { status: 0, data: null };
    if ((status == 201 || status == 200) && data?.id && data.receipt) {
      const key = data.write_key || parse(env.local.get(RECEIPT))?.key;
      if (key) env.local.set(RECEIPT, JSON.stringify({ receipt: data.receipt, key }));
      return "recorded";
    }
    if (status == 409 && data?.error == "policy_outdated") return "outdated";
    if (status == 403 && data?.error == "wrong_write_key" && body.receipt) return "again";
    return status >= 400 && status < 500 && ![408, 425, 429].includes(status) && data?.error ? "refused" : "waiting";
  }

  /** The receipt was of no use: the choice begins a chain of its own. @param {Waiting} item */
  function restart(item) {
    env.local.set(RECEIPT, null);
    const { receipt, write_key, ...body } = item.body;
    const fresh = { body: { ...body, key: env.key() }, tries: 0 };
    keep(waiting().map((other) => (other.body.key == item.body.key ? fresh : other)));
    const listener = told.get(item.body.key);
    if (listener) told.set(fresh.body.key, listener);
    told.delete(item.body.key);
  }

  async function drain() {
    if (running) return;
    running = true;
    for (let item; (item = waiting()[0]);) {
      address(item);
      const answer = await env.post(item.body).catch(() => null);
      const result = judge(item.body, answer);
      if (result == "waiting") {
        pause(answer?.wait || 0);
        break;
      }
      if (result == "again") {
        restart(item);
        continue;
      }
      pauses = 0;
      const key = item.body.key;
      keep(waiting().filter((other) => other.body.key != key));
      settled(item.body, result, answer, !waiting().length);
      tell(item.body, result);
    }
    running = false;
    for (const key of [...told.keys()]) tell({ key }, "waiting");
  }

  /** @param {number} asked seconds */
  function pause(asked) {
    if (pauses < 8) env.later(drain, 1000 * Math.max(Math.min(asked, 300), 2 ** pauses++ * (0.75 + Math.random() / 2)));
  }

  return {
    drain,

    /** Whether a decision is not yet acknowledged. */
    pending: () => waiting().length > 0,

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
