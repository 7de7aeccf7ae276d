// JSON as RFC 8785 writes it, for records: ASCII names, texts, whole numbers, booleans, lists and objects.

import { isUnicode, must } from "./texts.js";

const DEEPEST = 16;

/**
 * Throws for what no record holds.
 * @param {unknown} value
 * @param {number} [depth]
 * @returns {string}
 */
export function canonical(value, depth = 0) {
  must(depth <= DEEPEST, "The record is too deep.");
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, depth + 1)).join()}]`;
  if (value && typeof value == "object") {
    const names = Object.keys(value).sort();
    must(names.every((name) => /^[\0-\x7f]*$/.test(name)), "The record has a name that is not ASCII.");
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(/** @type {any} */ (value)[name], depth + 1)}`).join()}}`;
  }
  if (typeof value == "number") must(Number.isSafeInteger(value), "The record has a number that is not whole.");
  else if (typeof value == "string") must(isUnicode(value), "The record has a text that is not Unicode.");
  else must(value === null || typeof value == "boolean", "The record has something that is no JSON.");
  return JSON.stringify(value);
}
