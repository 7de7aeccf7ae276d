/**
 * The little that a policy in a page cannot do by itself. What is not safe to hook is left alone, and written down as
 * what remains.
 */

/**
 * Keeps pages that are merged into this one (Turbo, swup, htmx, Astro) from bringing the static policy of their own
 * head along: the browser would add it, for good, to the one that this page was granted.
 * @param {string} policy how our policies begin
 */
export function guardHead(policy) {
  const tame = (/** @type {any} */ node) => {
    if (node?.localName == "meta" && node.content.startsWith(policy)) node.removeAttribute("http-equiv");
  };
  const head = /** @type {any} */ (document.head);
  for (const name of ["append", "appendChild", "insertBefore", "prepend", "replaceChildren"]) {
    const insert = head[name];
    head[name] = (/** @type {any[]} */ ...nodes) => {
      nodes.forEach(tame);
      return insert.apply(head, nodes);
    };
  }
  const { parseFromString } = DOMParser.prototype;
  DOMParser.prototype.parseFromString = function (/** @type {any[]} */ ...given) {
    const parsed = parseFromString.apply(this, /** @type {any} */ (given));
    parsed.querySelectorAll("meta").forEach(tame);
    return parsed;
  };
}
