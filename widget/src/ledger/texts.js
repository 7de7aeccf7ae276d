// How numbers, bytes and signed notes are spelled (C2SP tlog-proof, tlog-checkpoint, signed-note): each value has one spelling.

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const LONGEST_PATH = 63;
const MOST_SIGNATURES = 100;
const LONGEST_NOTE = 1e6;

/**
 * @param {unknown} holds
 * @param {string} otherwise
 * @returns {asserts holds}
 */
export function must(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

/** @param {Uint8Array} bytes */
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/**
 * The bytes of a base64 text of RFC 4648, section 4. Throws for any other spelling or length.
 * @param {string} text
 * @param {string} what
 * @param {number} [length]
 */
export function fromBase64(text, what, length) {
  must(BASE64.test(text), `${what} is not base64.`);
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  must(toBase64(bytes) == text, `${what} is not base64 as RFC 4648 spells it.`);
  must(length == null || bytes.length == length, `${what} has ${bytes.length} bytes, not ${length}.`);
  return bytes;
}

/**
 * A whole number in decimal without leading zeros, at most 2^53 - 1.
 * @param {string} text
 * @param {string} what
 */
export function wholeNumber(text, what) {
  must(/^(0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(+text), `${what} is not a whole number.`);
  return +text;
}

/** Whether every character is one: no half of a pair stands alone. @param {string} text */
export const isUnicode = (text) => !/[\ud800-\udfff]/u.test(text);

/** @param {string} name of a key: no spaces, no plus */
function checkName(name) {
  must(name && !/[\p{White_Space}+]/u.test(name), "The name of a key is empty, or has a space or a plus.");
}

/**
 * A proof of tlog-proof; nothing of it is verified.
 * @param {string} text
 */
export function parseProof(text) {
  const end = text.indexOf("\n\n");
  must(end > 0, "The proof has no checkpoint.");
  const lines = text.slice(0, end).split("\n");
  must(lines.shift() == "c2sp.org/tlog-proof@v1", "The proof does not begin as one.");
  const extra = lines[0]?.startsWith("extra ") ? fromBase64(String(lines.shift()).slice(6), "The salt") : new Uint8Array();
  must(lines[0]?.startsWith("index "), "The proof does not tell the place of the record.");
  const index = wholeNumber(String(lines.shift()).slice(6), "The place of the record");
  must(lines.length <= LONGEST_PATH, "The proof is longer than the way to any root.");
  return { extra, index, path: lines.map((line) => fromBase64(line, "A hash of the proof", 32)), checkpoint: text.slice(end + 2) };
}

/**
 * The text of a signed note, and its signatures, unverified.
 * @param {string} note
 */
export function parseNote(note) {
  must(note.length <= LONGEST_NOTE && isUnicode(note) && !/[\0-\x09\x0b-\x1f]/.test(note), "The checkpoint has characters that it may not have.");
  const at = note.lastIndexOf("\n\n");
  must(at >= 0 && at + 2 < note.length && note.endsWith("\n"), "The checkpoint has no signature.");
  const lines = note.slice(at + 2, -1).split("\n");
  must(lines.length <= MOST_SIGNATURES, "The checkpoint has too many signatures.");
  const signatures = lines.map((line) => {
    const [, name, data] = /^\u2014 ([^ ]*) (.*)$/s.exec(line) || [];
    must(data != null, "A signature line is malformed.");
    checkName(name);
    const bytes = fromBase64(data, "A signature");
    must(bytes.length > 4, "A signature is too short.");
    return { name, id: bytes.slice(0, 4), bytes: bytes.slice(4) };
  });
  return { text: note.slice(0, at + 1), signatures };
}

/**
 * What a log says of itself.
 * @param {string} text
 */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  must(lines.length > 3 && lines.pop() == "" && lines.every(Boolean), "The checkpoint is malformed.");
  return { origin: lines[0], size: wholeNumber(lines[1], "The size of the log"), root: fromBase64(lines[2], "The root of the log", 32) };
}

/**
 * A verifier key of Ed25519: `<name>+<8 hex>+<base64 of 0x01 and the key>`. Its id is not compared here.
 * @param {string} text
 */
export function parseVkey(text) {
  const [, name, id, data] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) || [];
  must(data != null, "The key is malformed.");
  must(isUnicode(name) && !/[\0-\x1f]/.test(name), "The name of the key has characters that it may not have.");
  checkName(name);
  const bytes = fromBase64(data, "The key", 33);
  must(bytes[0] == 1, "The key is not of Ed25519.");
  return { name, id, bytes };
}
