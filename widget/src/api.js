/** `window.consent`: what pages may ask and do (docs/formats.md, section 8). Takes over the stub that the core left. */

import { allLetters, optional } from "./rules.js";

/** @param {import("./types").Store} store */
export function exposeApi(store) {
  const { settings, allows } = store;
  const each = (/** @type {{ key: string }[]} */ items) => Object.fromEntries(items.map(({ key }) => [key, allows(key)]));
  const detail = () => ({ purposes: each(settings.purposes), services: each(settings.services) });
  const decide = (/** @type {any} */ purposes, /** @type {"api" | "withdraw"} */ control = "api") => store.decide({ purposes, services: {}, control, layer: 0 });
  /** @type {Record<string, any>} */
  const api = {
    attach: store.attach,
    core: store.core,
    show: (/** @type {any} */ layer) => store.show(layer == 1 ? 1 : 2),
    accept: () => decide(allLetters(settings, "g").purposes),
    reject: () => decide(allLetters(settings, "d").purposes),
    withdraw: () => decide(Object.fromEntries(optional(settings).map(({ key }) => [key, store.status(key) == "granted" ? "w" : "d"])), "withdraw"),
    get: (/** @type {any} */ key) => (key == null ? each(settings.purposes) : allows(key)),
    track: (/** @type {any[]} */ ...args) => store.visits.take("track", args),
    customer: (/** @type {any[]} */ ...args) => store.visits.take("customer", args),
    on: (/** @type {any} */ type, /** @type {any} */ listener) => store.on(type, (event) => listener({ ...event, ...(type == "change" && detail()) })),
  };

  const win = /** @type {any} */ (window);
  const early = win.consent?.q;
  win.consent = api;
  const tell = (/** @type {string} */ type, /** @type {any} */ more) =>
    EventTarget.prototype.dispatchEvent.call(document, new CustomEvent(`consent:${type}`, { detail: { ...detail(), ...more } }));
  store.on("change", (event) => tell("change", event));
  if (Array.isArray(early)) for (const [method, args] of early) api[method]?.(...args);
  tell("ready", { action: "ready" });
}
