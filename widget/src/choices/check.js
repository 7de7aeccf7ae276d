// What this browser can say of one receipt.

import { verifyReceipt } from "../ledger/verify.js";

/** @typedef {{ reason: string, entry: number, size: number, origin: string, root: string, signature: boolean }} Verdict `reason` is empty when all holds */

/**
 * @param {import("../receipts.js").Evidence} evidence
 * @returns {Promise<Verdict>}
 */
export async function check({ record, proof, vkey }) {
  try {
    const { origin, index, size, root, signature } = await verifyReceipt(record, proof, vkey);
    return { reason: "", entry: index + 1, size, origin, root, signature };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error), entry: 0, size: 0, origin: "", root: "", signature: false };
  }
}
