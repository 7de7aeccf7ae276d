// The calls that "My choices" makes; without them everything else works.

/** How long the service may take, in ms. */
const PATIENCE = 10_000;

/**
 * The keys that the operator publishes for this site's logs.
 * @param {{ base: string, site: string }} settings
 * @returns {Promise<string[]>}
 */
export async function publishedKeys({ base, site }) {
  const answer = await fetch(`${base}/.well-known/consent-log/${site}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(String(answer.status));
  const { epochs } = await answer.json();
  return epochs.flatMap((/** @type {any} */ { keys }) => keys.map((/** @type {any} */ { vkey }) => vkey));
}

/**
 * Has the service destroy what it has under these receipts. Whether all of it is gone, or the last traces go soon.
 * @param {{ base: string, site: string }} settings
 * @param {string[]} receipts
 * @returns {Promise<"complete" | "pending">}
 */
export async function erase({ base, site }, receipts) {
  /** @type {"complete" | "pending"} */
  let state = "complete";
  for (const receipt of receipts) {
    const answer = await fetch(`${base}/v1/${site}/erase`, {
      method: "POST", body: JSON.stringify({ receipt }), headers: { "Content-Type": "text/plain" }, signal: AbortSignal.timeout(PATIENCE),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    if ((await answer.json()).state != "complete") state = "pending";
  }
  return state;
}

/**
 * What the visitors' log holds of this browser, which its cookies name; or, with a body, a change of that.
 * @param {{ base: string, site: string }} settings
 * @param {{ fields: Record<string, string> } | { forget: true } | null} [change]
 * @param {string} [after] what stood in `next`
 * @returns {Promise<any>}
 */
export async function visitor({ base, site }, change, after) {
  const answer = await fetch(`${base}/v1/${site}/visitor${after ? `?after=${after}` : ""}`, {
    method: change ? "POST" : "GET", body: change && JSON.stringify(change), credentials: "include", cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
    ...(change && { headers: { "Content-Type": "text/plain" } }),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}
