/**
 * What `consent.receipt` holds (docs/formats.md, section 2): the receipt of this visitor's choices, the key to write with,
 * and for each of the last choices what proves it. Anybody's script may have written there: nothing is taken as it stands.
 *
 * @typedef {{ record: Record<string, any>, proof: string, vkey: string }} Evidence
 * @typedef {{ receipt?: string, key?: string, said: Evidence[] }} Receipts
 */

export const RECEIPT = "consent.receipt";

/** Choices whose proof is kept; older ones are in the service's log alone. */
const MOST = 10;

/** Characters of a record as JSON, and of a proof; ours have a quarter of it. */
const LONGEST = 16_000;

const isText = (/** @type {unknown} */ value, most = LONGEST) => typeof value == "string" && !!value && value.length <= most;

/** @param {any} one @returns {one is Evidence} */
const isEvidence = (one) => !!one?.record && typeof one.record == "object" && !Array.isArray(one.record)
  && isText(one.proof) && isText(one.vkey, 400) && isText(one.record.id, 64) && JSON.stringify(one.record).length <= LONGEST;

/** @param {string | null} text @returns {Receipts} */
export function readReceipts(text) {
  let stored;
  try {
    stored = JSON.parse(text || "null");
  } catch {}
  const both = isText(stored?.receipt, 64) && isText(stored.key, 128);
  return {
    ...(both && { receipt: stored.receipt, key: stored.key }),
    said: Array.isArray(stored?.said) ? stored.said.slice(-MOST).filter(isEvidence).map((/** @type {Evidence} */ { record, proof, vkey }) => ({ record, proof, vkey })) : [],
  };
}

/**
 * What is kept after the service has answered a decision; a repeat of an answer takes its place.
 * @param {Receipts} held
 * @param {any} answer of section 6
 * @returns {Receipts}
 */
export function remember({ receipt, key, said }, answer) {
  const others = said.filter(({ record }) => record.id != answer.id);
  const told = { record: answer.record, proof: answer.proof, vkey: answer.vkey };
  return {
    ...(answer.write_key || key ? { receipt: answer.receipt, key: answer.write_key || key } : { receipt, key }),
    said: isEvidence(told) ? [...others, told].slice(-MOST) : said,
  };
}
