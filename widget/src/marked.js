/**
 * Starts what the owner has marked up, once its purpose or service may run: scripts of `type="text/plain"`, and
 * scripts, frames and images with `data-src`. They begin where they stand, in the document's order, without a reload.
 */

/** @typedef {{ createScript(text: string): any, createScriptURL(url: string): any }} Trust */

const MARKED = ["data-category", "data-service"].map((name) => `script[type="text/plain"][${name}],[data-src][${name}]:not(script)`).join();

/** Attributes of the mark that the released element does not take over. */
const DROPPED = ["type", "src", "data-src", "data-type"];

/** The purposes and services that must all be allowed. @param {HTMLElement} mark */
const keysOf = ({ dataset }) => `${dataset.category || ""} ${dataset.service || ""}`.split(" ").filter(Boolean);

/** @param {Element} element */
const isScript = ({ localName }) => localName == "script";

/**
 * A script that the browser will run, made of one that it did not.
 * @param {HTMLScriptElement} mark
 * @param {Trust} trust
 */
function awaken(mark, trust) {
  const script = document.createElement("script");
  for (const { name, value } of mark.attributes) if (!DROPPED.includes(name)) script.setAttribute(name, value);
  script.type = mark.dataset.type || "";
  script.nonce = mark.nonce;
  script.async = mark.hasAttribute("async"); // without it, those with a source run in the order they are inserted
  const source = mark.dataset.src || mark.getAttribute("src");
  if (source) script.src = trust.createScriptURL(source);
  else script.text = trust.createScript(mark.text);
  return script;
}

/** Lets an inline script run; what it writes would wipe the page, which is complete, and is dropped. @param {() => void} insert */
function withoutWriting(insert) {
  const { write, writeln } = document;
  document.write = document.writeln = () => {};
  insert();
  Object.assign(document, { write, writeln });
}

/**
 * Runs scripts as a parser would have: inline ones when all before them are done, deferred ones and modules at the end.
 * @param {HTMLScriptElement[]} marks in the document's order
 * @param {Trust} trust
 * @param {(mark: HTMLScriptElement) => boolean} may asked directly before each: while one loads, the visitor may withdraw
 */
async function runInOrder(marks, trust, may) {
  /** @type {Promise<unknown>[]} */
  const before = [];
  const late = (/** @type {HTMLScriptElement} */ mark) => !mark.hasAttribute("async") && (mark.dataset.type == "module" || mark.hasAttribute("defer"));
  for (const mark of [...marks.filter((one) => !late(one)), ...marks.filter(late)]) {
    const inline = !(mark.dataset.src || mark.getAttribute("src"));
    if (inline || late(mark) && !before.length) await Promise.all(before);
    if (!may(mark)) continue;
    try {
      const script = awaken(mark, trust);
      if (inline) withoutWriting(() => mark.replaceWith(script));
      else {
        if (!script.async) before.push(new Promise((done) => ["load", "error"].forEach((type) => script.addEventListener(type, done))));
        mark.replaceWith(script);
      }
    } catch (error) {
      reportError(error);
    }
  }
}

/**
 * @param {Pick<import("./store.js").State, "allows" | "current" | "watch">} state
 * @param {Pick<import("./types").Store, "on" | "trust" | "nonce">} store
 */
export function releaseMarked({ allows, current, watch }, { on, trust, nonce }) {
  /** @type {Set<HTMLElement>} */
  const released = new Set();
  let turn = Promise.resolve();

  /** With a nonce on the page, a script without it is nothing the owner has written. @param {HTMLElement} mark */
  const may = (mark) => current() && keysOf(mark).length > 0 && keysOf(mark).every(allows) && (!isScript(mark) || !nonce || mark.nonce == nonce);

  async function release() {
    const marks = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(MARKED)]).filter(may);
    for (const mark of marks) {
      if (isScript(mark)) continue;
      released.add(mark);
      mark.setAttribute("src", mark.dataset.src || "");
      mark.removeAttribute("data-src");
    }
    const scripts = /** @type {any[]} */ (marks.filter(isScript));
    if (scripts.length) await runInOrder(scripts, trust(), (mark) => may(mark) && !!released.add(mark));
  }

  /** Empties frames that may not be there any more. Firefox would load them again after a reload, but for `replace`. */
  function retract() {
    for (const mark of released) {
      if (!(mark instanceof HTMLIFrameElement) || keysOf(mark).every(allows)) continue;
      mark.dataset.src = mark.getAttribute("src") || "";
      mark.contentWindow?.location.replace("about:blank");
      released.delete(mark);
    }
  }

  const next = () => {
    if (document.querySelector(MARKED)) turn = turn.then(release).catch(({ message }) => console.warn(`Marked-up scripts cannot start: ${message}`));
  };
  watch(() => [...released].some((mark) => !keysOf(mark).every(allows)));
  on("change", () => {
    retract();
    next();
  });
  new MutationObserver(next).observe(document.documentElement, { childList: true, subtree: true });
  next();
}
