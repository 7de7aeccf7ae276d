// What stands where a blocked frame or widget should be: whose content it is, and the way to allow it.

import css from "./banner/placeholder.css";
import { make } from "./banner/parts.js";
import { serviceOf } from "./rules.js";

/** @typedef {import("./types").Store} Store */

/** @param {Store} store */
export function attach(store) {
  /** @type {Map<Element, () => void>} */
  const placed = new Map();

  /**
   * @param {Element} element
   * @param {string} key  the service's or purpose's, empty when the site has not declared it
   * @param {string} url
   */
  const place = (element, key, url) => {
    if (!placed.has(element)) placed.set(element, cover(store, element, key, url));
  };

  /**
   * That of a frame names no element, and in Chromium only the origin of the address: its frames are looked for.
   * @param {Store["violations"][number]} violation
   */
  const onViolation = ({ url, directive }) => {
    if (!/^(frame|object)/.test(directive)) return;
    const origin = `${url.split("/", 3).join("/")}/`;
    for (const one of /** @type {Iterable<any>} */ (document.querySelectorAll("iframe,embed,object"))) {
      const src = String(one.src || one.data);
      const key = serviceOf(store.settings, src)?.key || "";
      if (src.startsWith(origin) && !(key && store.allows(key))) place(one, key, src);
    }
  };

  for (const one of document.querySelectorAll("iframe[data-src],[data-service]:not(script,link,img)")) {
    const { service, category, src } = /** @type {HTMLElement} */ (one).dataset;
    const key = service || category || "";
    if (!store.allows(key)) place(one, key, src || "");
  }
  store.violations.forEach(onViolation);
  store.on("violation", onViolation);
  store.on("outcome", ({ applied }) => applied == "now" && placed.forEach((check) => check()));
}

/**
 * Lays a box over an element, out of the page's flow, so that nothing moves; follows its size. Returns what takes it
 * away once the service may run.
 * @param {Store} store
 * @param {Element} element
 * @param {string} key
 * @param {string} url
 */
function cover(store, element, key, url) {
  const service = store.settings.services.find((one) => one.key == key)?.name || url.split("/")[2] || key;
  const box = make("div", { class: "box" }, make("b", {}, service));
  box.append(make("p", {}, store.text(key ? "placeholder_text" : "placeholder_unknown", { service })));
  if (key) box.append(allowButton(store, key, service));
  const root = store.parts.makeRoot(store, "consent-placeholder", css, box);
  const { host } = root;
  const observer = new ResizeObserver(() => {
    const { left, top, width, height } = element.getBoundingClientRect();
    // Nothing could be read in less: pixels and hidden frames stay as they are. CSS px.
    if (width < 80 || height < 24) return host.remove();
    if (!host.isConnected) element.after(host);
    const from = host.getBoundingClientRect();
    box.style.cssText = `left:${left - from.left}px;top:${top - from.top}px;width:${width}px;height:${height}px`;
  });
  observer.observe(element);
  return () => {
    if (!store.allows(key)) return;
    observer.disconnect();
    host.remove();
  };
}

/**
 * @param {Store} store
 * @param {string} key
 * @param {string} service
 */
function allowButton(store, key, service) {
  const button = make("button", { type: "button", class: "do", "data-for": key }, store.text("placeholder_button", { service }));
  button.onclick = () => {
    button.focus(); // the second layer opens at the service that the focused element names
    store.show(2);
  };
  return button;
}
