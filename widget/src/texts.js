/** Which language the visitor reads, and the few texts that the bootstrap itself shows. */

/**
 * The page's own language if the site has texts in it, else the visitor's, else the site's default.
 * @param {string[]} offered the default first
 * @param {readonly string[]} wanted in order of preference, as language tags
 */
export function chooseLanguage(offered, wanted) {
  for (const tag of wanted) {
    const found = [tag, tag.split("-")[0]].find((one) => offered.includes(one.toLowerCase()));
    if (found) return found.toLowerCase();
  }
  return offered[0];
}

/**
 * A text with its `{names}` filled in; "" when nobody wrote it.
 * @param {Record<string, string> | undefined} texts
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function fillText(texts, key, values = {}) {
  const text = texts && Object.hasOwn(texts, key) ? texts[key] : "";
  return text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}
