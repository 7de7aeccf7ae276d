// What every part of the widget is made of: elements, shadow hosts with the theme, and staying in the page.
// The bootstrap holds it once; the layers, which come later, find it at `store.parts`.

import base from "./base.css";

/** @typedef {import("../types").Store} Store */

/** A page that removes a host from the same body more often than this wants it gone: no tug of war that could hang it. */
const MOST_RETURNS = 20;

/**
 * An element. Texts become text nodes, never markup.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
export function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

/**
 * Adds a style sheet to a shadow root, without anything that a `style-src` policy could forbid.
 * @param {Store} store
 * @param {ShadowRoot} root
 * @param {string} css
 */
export function dress(store, root, css) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  } catch {
    const style = make("style", {}, css); // Safari before 16.4; under a policy that forbids this, plain but usable
    style.nonce = store.core?.nonce || "";
    root.append(style);
  }
}

/**
 * The theme's tokens as text of a style sheet: `--x` for light, `--dark-x` for dark (consent/policy/themes.toml).
 * @param {Record<string, string>} theme
 */
function tokens(theme) {
  const scheme = { light: "", dark: "" };
  for (const name in theme) {
    const [, dark, token] = /^--(dark-)?(.+)/.exec(name) || [];
    if (token) scheme[dark ? "dark" : "light"] += `--${token}:${theme[name]};`;
  }
  return `:host{${scheme.light}color-scheme:${theme.scheme == "dark" ? "dark" : "light"}}`
    + (scheme.dark && `@media(prefers-color-scheme:dark){:host{${scheme.dark}color-scheme:dark}}`);
}

/**
 * The open shadow root of a new host. The host is no part of the page until someone puts it there.
 * @param {Store} store
 * @param {string} name
 * @param {string} css  on top of what all share
 * @param {Node[]} children
 */
export function makeRoot(store, name, css, ...children) {
  const root = make(name, { lang: store.language }).attachShadow({ mode: "open" });
  dress(store, root, base + tokens(store.settings.theme) + css);
  root.append(...children);
  return root;
}

/**
 * Puts a root's host at one end of the body, and back there when the page replaces its body (Turbo, htmx, hydration).
 * @param {ShadowRoot} root
 * @param {"prepend" | "append"} end
 */
export function keep({ host }, end) {
  let left = MOST_RETURNS;
  /** @type {Element | null} */
  let body = null;
  const place = () => {
    if (host.isConnected) return;
    if (body != document.body) left = MOST_RETURNS; // each visit of Turbo brings a new one: nobody has removed us
    body = document.body;
    if (!left) return;
    for (const place of [document.documentElement, document.body]) place && observer.observe(place, { childList: true });
    if (!document.body) return;
    left--;
    document.body[end](host);
  };
  const observer = new MutationObserver(place);
  place();
}
