/** What a page knows of itself. */

/** @returns {Partial<PerformanceNavigationTiming> & { activationStart?: number }} */
const timing = () => /** @type {any} */ (performance.getEntriesByType("navigation")[0] || {});

/** How long the page took to load, since it was shown where it was rendered before that; ms. Undefined while it loads. */
export function loadTime() {
  const { loadEventEnd, activationStart = 0 } = timing();
  return loadEventEnd ? Math.max(0, Math.round(loadEventEnd - activationStart)) : undefined;
}

/** No more of the screen than its class. */
export const screenClass = () => (screen.width < 640 ? "small" : screen.width < 1024 ? "medium" : "large");

/** A UUID of chance alone, also where the page is not secure. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 15 | 64;
  bytes[8] = bytes[8] & 63 | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
