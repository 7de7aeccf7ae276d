// Receipts as JSON lines in, one line out for each: what the browser's verifier makes of it.
import { createInterface } from "node:readline";
import { verifyReceipt } from "../../widget/src/ledger/verify.js";

for await (const line of createInterface({ input: process.stdin })) {
  let told;
  try {
    const { record, proof, vkey } = JSON.parse(line);
    const { origin, index, size, root } = await verifyReceipt(record, proof, vkey);
    told = { origin, index, size, root: typeof root == "string" ? root : Buffer.from(root).toString("base64") };
  } catch (error) {
    told = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
