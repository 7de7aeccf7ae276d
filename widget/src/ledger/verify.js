/**
 * Checks a receipt in the visitor's own browser, offline, by nothing but WebCrypto: docs/formats.md, section 10.
 *
 * It shares no line with the verifiers in Python; `tests/ledger/test_two_verifiers.py` holds them to each other.
 */

import { canonical } from "./canonical.js";
import { fromBase64, must, parseCheckpoint, parseNote, parseProof, parseVkey, toBase64 } from "./texts.js";

const ACTIONS = ["given", "partly", "refused", "changed", "withdrawn"];

/** The name of a log: whatever, `/log/`, the site, and `/e2` and so on for a later one. */
const ORIGIN = /^.*?\/log\/([^/]+)(?:\/e(?:[2-9]|[1-9]\d{1,4}))?$/s;

const PRIME = 2n ** 255n - 19n;
const ORDER_8 = 0x5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** The y of the eight points of small order, with which anybody can sign. */
const WEAK = [0n, 1n, PRIME - 1n, ORDER_8, PRIME - ORDER_8];

/** A public key that every browser with Ed25519 takes: RFC 8032, section 7.1, test 1. */
const KNOWN = fromBase64("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "The key");

const encoder = new TextEncoder();

/** @param {(Uint8Array | string | number[])[]} parts @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function sha256(...parts) {
  const bytes = parts.map((part) => (typeof part == "string" ? encoder.encode(part) : Uint8Array.from(part)));
  const whole = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of bytes) {
    whole.set(one, at);
    at += one.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/** @param {Uint8Array} a @param {Uint8Array} b */
const same = (a, b) => a.length == b.length && a.every((byte, at) => byte == b[at]);

/**
 * The entry of a record in the log.
 * @param {Record<string, unknown>} record
 * @param {Uint8Array} salt
 */
async function entryOf(record, salt) {
  const { action, time } = record;
  const said = canonical(record);
  must(ACTIONS.includes(/** @type {string} */ (action)) && Number.isSafeInteger(time) && Number(time) >= 0, "The record lacks an action or a time.");
  must(salt.length == 32, "The salt is not 32 bytes long.");
  const commitment = await sha256("consent-commit/v1\0", salt, said);
  const ms = Number(time);
  return `consent-leaf/v1\n${action}\n${(ms - ms % 1000) / 1000}\n${toBase64(commitment)}\n`;
}

/**
 * The root that a path leads to (RFC 9162, section 2.1.3.2).
 * @param {number} index
 * @param {number} size
 * @param {Uint8Array} leaf
 * @param {Uint8Array[]} path
 */
async function rootOf(index, size, leaf, path) {
  must(index < size, `The log has ${size} entries, and none at ${index}.`);
  const half = (/** @type {number} */ number) => Math.floor(number / 2);
  let [at, last, reached] = [index, size - 1, leaf];
  for (const sibling of path) {
    must(last > 0, "The proof is longer than the way to the root.");
    if (at % 2 || at == last) {
      reached = await sha256([1], sibling, reached);
      while (at && at % 2 == 0) [at, last] = [half(at), half(last)];
    } else reached = await sha256([1], reached, sibling);
    [at, last] = [half(at), half(last)];
  }
  must(last == 0, "The proof ends before the root.");
  return reached;
}

/**
 * Whether 32 bytes are the one spelling of a point of large order: libraries differ in whether they refuse the others.
 * @param {Uint8Array} bytes
 */
function isStrong(bytes) {
  const y = bytes.reduceRight((sum, byte, at) => sum * 256n + BigInt(at == 31 ? byte & 127 : byte), 0n);
  return bytes.length == 32 && y < PRIME && !WEAK.includes(y);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
const imported = (bytes) => crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);

/**
 * Whether a signature holds; null where this browser has no Ed25519.
 * @param {Uint8Array<ArrayBuffer>} key
 * @param {Uint8Array<ArrayBuffer>} signature
 * @param {string} text
 */
async function holds(key, signature, text) {
  if (!isStrong(signature.slice(0, 32))) return false;
  let known;
  try {
    known = await imported(key);
  } catch {
    return imported(KNOWN).then(() => false, () => null);
  }
  return crypto.subtle.verify("Ed25519", known, signature, encoder.encode(text));
}

/**
 * Whether the key of a log has signed its checkpoint: false where this browser cannot check that.
 * @param {ReturnType<typeof parseVkey>} key
 * @param {ReturnType<typeof parseNote>} note
 */
async function signedBy(key, { text, signatures }) {
  const id = (await sha256(`${key.name}\n`, key.bytes)).slice(0, 4);
  must([...id].map((byte) => byte.toString(16).padStart(2, "0")).join("") == key.id, "The id of the key does not belong to it.");
  const own = signatures.filter((one) => one.name == key.name && same(one.id, id));
  must(own.length, "The log's key has not signed the checkpoint.");
  const results = await Promise.all(own.map(({ bytes }) => holds(key.bytes.slice(1), bytes, text)));
  must(!results.includes(false), "The signature of the log does not hold.");
  return !results.includes(null);
}

/**
 * Throws an Error with one plain sentence of what does not hold. Whether the key is the operator's, no receipt can tell.
 * @param {Record<string, unknown>} record
 * @param {string} proofText
 * @param {string} vkey
 * @returns {Promise<{ origin: string, index: number, size: number, root: string, signature: boolean }>} `root` in base64;
 *   `signature` is false where this browser cannot check the signature, and everything else holds
 */
export async function verifyReceipt(record, proofText, vkey) {
  must(globalThis.crypto?.subtle, "This browser checks receipts only on pages that it loads over HTTPS.");
  must(record && typeof record == "object" && !Array.isArray(record), "The record is no record.");
  const key = parseVkey(String(vkey));
  const { extra, index, path, checkpoint } = parseProof(String(proofText));
  const note = parseNote(checkpoint);
  const { origin, size, root } = parseCheckpoint(note.text);
  must(origin == key.name, "The checkpoint is of another log than the key.");
  must(isStrong(key.bytes.slice(1)), "The key is one of those with which anybody can sign.");
  must(record.site === ORIGIN.exec(origin)?.[1], "The record is of another site than the log.");
  must(record.site, "The log is of no site.");
  const signature = await signedBy(key, note);
  const leaf = await sha256([0], await entryOf(record, extra));
  must(same(await rootOf(index, size, leaf, path), root), "This record is not the one that was entered in the log.");
  return { origin, index, size, root: toBase64(root), signature };
}
