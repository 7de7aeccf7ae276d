/**
 * What the browser keeps for us. Each access may throw (sandboxed frames, blocked cookies): a closed store reads as
 * empty and forgets.
 */

/** @param {"localStorage" | "sessionStorage"} name */
const open = (name) => ({
  /**
   * @param {string} key
   * @returns {string | null}
   */
  get(key) {
    try {
      return window[name].getItem(key);
    } catch {
      return null;
    }
  },

  /**
   * @param {string} key
   * @param {string | null} value null removes it
   */
  set(key, value) {
    try {
      if (value == null) window[name].removeItem(key);
      else window[name].setItem(key, value);
    } catch {}
  },

  /** @returns {string[]} */
  keys() {
    try {
      return Object.keys(window[name]);
    } catch {
      return [];
    }
  },
});

export const local = /* @__PURE__ */ open("localStorage");
export const session = /* @__PURE__ */ open("sessionStorage");

/** Taken from the prototype, for an `<img name=cookie>` hides the document's own. */
const cookie = /** @type {Required<PropertyDescriptor>} */ (Object.getOwnPropertyDescriptor(Document.prototype, "cookie"));

export const jar = {
  /** @returns {string} */
  get() {
    try {
      return cookie.get.call(document);
    } catch {
      return "";
    }
  },

  /** @param {string} line as in a Set-Cookie header */
  set(line) {
    try {
      cookie.set.call(document, line);
    } catch {}
  },
};
