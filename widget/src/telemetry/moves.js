/** Where the visitor goes: pages that a script shows without loading one, and links to other hosts. */

/**
 * Tells of every change of the address. The page's history works as before, and is given back at the end.
 * @param {() => void} moved
 * @param {AbortSignal} signal ends it
 */
export function watchAddress(moved, signal) {
  for (const name of /** @type {const} */ (["pushState", "replaceState"])) {
    const before = history[name];
    const own = Object.hasOwn(history, name);
    /** @this {History} @param {any[]} args */
    const ours = function (...args) {
      const result = before.apply(this, /** @type {any} */ (args));
      if (!signal.aborted) moved();
      return result;
    };
    history[name] = ours;
    signal.addEventListener("abort", () => {
      if (history[name] != ours) return; // somebody wrapped it: it stays below, and does nothing
      if (own) history[name] = before;
      else delete (/** @type {any} */ (history)[name]);
    });
  }
  for (const type of ["popstate", "hashchange"]) addEventListener(type, moved, { signal });
}

/**
 * Tells the host of each link that the visitor follows away from the site.
 * @param {(host: string) => void} left
 * @param {AbortSignal} signal ends it
 */
export function watchLinks(left, signal) {
  /** @param {MouseEvent} event */
  const look = (event) => {
    const link = /** @type {any} */ (event.composedPath().find((/** @type {any} */ one) => one.localName == "a" && one.host));
    if (event.isTrusted && event.button < 2 && link && /^http/.test(link.protocol) && link.host != location.host) left(link.host);
  };
  for (const type of ["click", "auxclick"]) addEventListener(type, /** @type {any} */ (look), { signal, capture: true, passive: true });
}
