/**
 * The choice cookie: what a visitor decided, in one readable line that names nobody (docs/formats.md, section 2).
 *
 * The twin of `consent/records/cookie.py`; both pass `tests/vectors/cookie.json`. Pure: no document here.
 *
 * @typedef {import("./types").Choice} Choice
 */

/** Longer is no choice: browsers drop cookies of more than 4,096 bytes, name and attributes included (RFC 6265, 6.1). */
const MAX_LENGTH = 3000;

const KEY = "[a-z][a-z0-9-]{0,39}";
const PAIRS = (/** @type {string} */ letters) => `((?:${KEY}:[${letters}](?:\\+(?=[a-z])|(?=\\.)))*)`;
const NUMBER = (/** @type {number} */ digits) => `(0|[1-9a-z][0-9a-z]{0,${digits - 1}})`;
const COOKIE = new RegExp(
  `^1\\.${NUMBER(4)}\\.([0-9a-f]{8})\\.([-g])(?:~([a-z]{2,16}))?\\.${PAIRS("gdwo")}\\.${PAIRS("gd")}\\.${NUMBER(7)}$`);

/** FNV-1a, 32 bit, over the char codes, base 36: ties a list to its choice. @param {string} text */
export function checksum(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x1000193);
  return (hash >>> 0).toString(36);
}

/**
 * `key:s+key:s` as an object without a prototype, in the same order; null when a key stands there twice.
 * @param {string} text
 * @returns {Record<string, any> | null}
 */
function pairs(text) {
  const found = Object.create(null);
  for (const pair of text ? text.split("+") : []) {
    const [key, letter] = pair.split(":");
    if (key in found) return null;
    found[key] = letter;
  }
  return found;
}

/**
 * Reads a cookie's value; null for whatever does not match the whole pattern, whoever wrote it.
 * @param {string} text
 * @returns {Choice | null}
 */
export function decode(text) {
  const match = text.length > MAX_LENGTH ? null : COOKIE.exec(text);
  if (!match) return null;
  const purposes = pairs(match[5]);
  const services = pairs(match[6]);
  if (!purposes || !services || Object.keys(services).sort().join("+") != Object.keys(services).join("+")) return null;
  return { day: parseInt(match[1], 36), scope: match[2], gpc: match[3] == "g", regime: match[4] || "", purposes, services, sum: match[7] };
}

/**
 * Writes the cookie's value; "" for a choice that would not read back as itself.
 * @param {Choice} choice
 */
export function encode({ day, scope, gpc, regime, purposes, services, sum }) {
  const join = (/** @type {string[]} */ keys, /** @type {Record<string, string>} */ from) => keys.map((key) => `${key}:${from[key]}`).join("+");
  const text = `1.${day.toString(36)}.${scope}.${gpc ? "g" : "-"}${regime && `~${regime}`}.${
    join(Object.keys(purposes), purposes)}.${join(Object.keys(services).sort(), services)}.${sum}`;
  return decode(text) ? text : "";
}

/**
 * Every value that a cookie header, or document.cookie, holds under a name.
 * @param {string} header
 * @param {string} name
 */
export function values(header, name) {
  return header.split(";").map((part) => part.trim()).filter((part) => part.startsWith(`${name}=`)).map((part) => part.slice(name.length + 1));
}

/**
 * The choice in a cookie header; several count as the stricter of all, and rubbish beside a choice is not there.
 * @param {string} header
 * @param {string} name
 */
export function read(header, name) {
  /** @type {Choice | null} */
  let found = null;
  for (const value of values(header, name)) {
    const choice = decode(value);
    if (choice) found = found ? stricter(found, choice) : choice;
  }
  return found;
}

/**
 * The choice that allows nothing which one of the two does not allow. Where they differ, the scope reads as outdated and
 * the checksum as no list's.
 * @param {Choice} one
 * @param {Choice} other
 * @returns {Choice}
 */
function stricter(one, other) {
  return {
    day: Math.min(one.day, other.day),
    scope: one.scope == other.scope ? one.scope : "00000000",
    gpc: one.gpc && other.gpc,
    regime: one.regime || other.regime,
    purposes: merge(one.purposes, other.purposes),
    services: merge(one.services, other.services),
    sum: one.sum == other.sum ? one.sum : "0",
  };
}

/**
 * The first refusal of a key wins; a grant stays only where both granted.
 * @template {string} Letters
 * @param {Record<string, Letters>} one
 * @param {Record<string, Letters>} other
 * @returns {Record<string, Letters>}
 */
function merge(one, other) {
  const result = Object.create(null);
  for (const key of Object.keys({ ...one, ...other })) {
    const refusal = [one[key], other[key]].find((letter) => letter && letter != "g");
    if (refusal || one[key] == other[key]) result[key] = refusal || one[key];
  }
  return result;
}
