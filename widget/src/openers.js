/**
 * Opens a layer from our control, or from any `[data-consent="open"]` or `[data-consent="choices"]` of the page: a plain
 * link that then still leads to its own address when the layer cannot be had (US-07).
 * @param {import("./types").Store} store
 * @param {() => unknown} prepare what it takes to know which layer fits
 */
export function watchOpeners(store, prepare) {
  addEventListener("click", async (event) => {
    const opener = /** @type {HTMLAnchorElement | null} */ (
      /** @type {Element} */ (event.composedPath()[0]).closest?.("[data-consent=open],[data-consent=choices]"));
    if (!opener) return;
    event.preventDefault();
    opener.focus(); // Safari gives a clicked button no focus, and it is to return there
    await prepare();
    if (!(await store.show(opener.dataset.consent == "choices" ? 3 : store.choice ? 2 : 1)) && opener.href) location.assign(opener.href);
  });
}
