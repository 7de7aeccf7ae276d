/** The two addresses of the service that the visitors' log speaks to. */

/** How long the service may take, in ms. */
const PATIENCE = 10_000;

/** @param {{ base: string, site: string }} settings */
export function openWire({ base, site }) {
  const elsewhere = new URL(base, location.href).origin != location.origin;
  /** @type {Set<AbortController>} */
  const calls = new Set();

  /** With cookies, and as text, which needs no preflight. @param {string} path @param {string} body @param {AbortSignal} [signal] */
  const post = (path, body, signal) => fetch(`${base}/v1/${site}/${path}`, { method: "POST", credentials: "include", keepalive: true, body, signal });

  return {
    /** Firefox never settles a request that was under way when it put the page away, so its end is told here. @param {string} body */
    async events(body) {
      const call = new AbortController();
      calls.add(call);
      setTimeout(() => call.abort(), PATIENCE);
      /** @type {Response} */
      const { status, headers } = await new Promise((resolve, reject) => {
        call.signal.onabort = reject;
        post("events", body, call.signal).then(resolve, reject);
      }).finally(() => calls.delete(call));
      return { status, wait: Number(headers.get("retry-after")) || 0 };
    },

    /** Nothing that is under way is to bring anything back. */
    stop: () => calls.forEach((call) => call.abort()),

    /** The service deletes what it has of this visitor; on the page's own host the answer to the choice has done it already. */
    forget: () => void (elsewhere && post("visitor", '{"forget":true}').catch(() => {})),
  };
}
