/**
 * Brings events to the service: in batches, one request at a time, so that two early ones do not make two visitors.
 * What waits is in the page's memory alone; what the service does not take within a few tries is dropped.
 *
 * @typedef {import("../types").Told} Told
 * @typedef {object} Surroundings
 * @property {() => object | null} head what each request says besides its events; null where nothing may be sent any more
 * @property {(body: string) => Promise<{ status: number, wait: number }>} post `wait`: what Retry-After asks for, in seconds
 * @property {() => boolean} once whether what got no answer is not sent again, for the service would not know it from another
 * @property {(run: () => void, ms: number) => unknown} later
 */

import { json } from "../json.js";

const MOST_WAITING = 200;
const MOST_EVENTS = 50;
const MOST_BYTES = 60_000;
const MOST_TRIES = 5;

/** How long an event waits for others, in ms. */
export const DELAY = 1000;

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text).length;

/** @param {Surroundings} env */
export function createSender({ head, post, once, later }) {
  /** @type {Told[]} */
  let waiting = [];
  let flying = 0;
  let tries = 0;
  let known = false;
  let issued = 0;
  let round = 0;
  /** When the next request is due is known by the newest timer alone. */
  let due = 0;
  let held = true;

  /** @param {number} ms */
  function plan(ms) {
    const mine = ++due;
    later(() => mine == due && flush(), ms);
  }

  /** As many as one request takes, the oldest first. @param {string} start what stands before them */
  function take(start) {
    let size = bytes(start) + 20;
    let count = 0;
    for (const event of waiting.slice(0, MOST_EVENTS)) {
      size += bytes(json(event)) + 1;
      if (size > MOST_BYTES) break;
      count++;
    }
    return waiting.splice(0, Math.max(count, 1));
  }

  async function send() {
    const said = head();
    if (!said) return clear();
    const batch = take(json(said));
    const mine = round;
    flying++;
    const { status, wait } = await post(json({ ...said, events: batch })).catch(() => ({ status: 0, wait: 0 }));
    if (mine != round) return; // forgotten meanwhile
    flying--;
    if (status == 205) { // our cookies are in the answer; who does not bring them back is nobody
      waiting = ++issued < 2 ? [...batch, ...waiting] : [];
    } else if (status >= 200 && status < 300) {
      known = true;
      tries = 0;
    } else if ((status ? status >= 500 || [408, 425, 429].includes(status) : !once()) && ++tries < MOST_TRIES) {
      waiting.unshift(...batch);
    } else tries = 0;
    if (waiting.length) plan(status == 205 ? 0 : Math.max(1000 * wait, DELAY * 2 ** tries * (0.75 + Math.random() / 2)));
  }

  function flush() {
    if (waiting.length && !flying) send().catch(clear);
  }

  function clear() {
    waiting = [];
    round++;
    flying = tries = issued = 0;
    held = true;
    known = false;
  }

  return {
    clear,

    /** @param {Told} event */
    add(event) {
      if (issued < 2 && waiting.length < MOST_WAITING) waiting.push(event);
      if (!held && !flying && !tries) plan(DELAY);
    },

    /** From now on events are sent when they come; before that they wait for the page to be left. */
    release() {
      held = false;
      if (waiting.length && !flying) plan(DELAY);
    },

    /** The page may be gone in a moment: all that waits goes beside what is under way, unless nobody knows yet whose it is. */
    leave() {
      for (let at = 0; at < MOST_WAITING / MOST_EVENTS && waiting.length && (!flying || known); at++) send().catch(clear);
    },
  };
}
