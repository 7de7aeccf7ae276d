// A store that stands in for the bootstrap's: the seam of types.d.ts with nothing behind it. Set by `window.CASE`.
import { dress, keep, makeRoot } from "../../src/banner/parts.js";
import { attach as control } from "../../src/control.js";
import { watchOpeners } from "../../src/openers.js";
import { attach as placeholders } from "../../src/placeholders.js";

const { settings, ui, language, regime, gpc, choice, outcome, missing, allowed } = window.CASE;
const listeners = {};
const factories = {};
const layers = {};

export const store = {
  settings, language, regime, gpc, choice, core: null, pending: false, violations: [], decisions: [], excessive: () => !!window.CASE.excessive,
  parts: { makeRoot, dress, keep },
  text: (key, values = {}) => (ui[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole),
  status: (key) => ({ g: "granted", d: "denied", w: "withdrawn" })[store.choice?.purposes[key]] ?? "unset",
  letters: () => store.choice ?? { purposes: Object.fromEntries(allowed.map((key) => [key, "g"])), services: {} },
  allows(key) {
    if (store.choice) return (store.choice.services[key] ?? store.choice.purposes[key]) == "g";
    return allowed.includes(key);
  },
  async decide(decision) {
    store.decisions.push(decision);
    store.choice = { day: 20000, scope: "", gpc, regime: "", sum: "", purposes: decision.purposes, services: decision.services };
    store.emit("change", {});
    await null;
    if (outcome == "throw") throw new Error("the service is away");
    store.emit("outcome", outcome);
    return outcome;
  },
  on(type, listener) {
    (listeners[type] ??= []).push(listener);
    return () => {};
  },
  emit(type, detail) {
    (listeners[type] ?? []).forEach((listener) => listener(detail));
  },
  async show(layer) {
    const name = layer == 1 ? "banner" : "preferences";
    await null;
    if (!factories[name] || missing) return false;
    (layers[name] ??= factories[name](store)).show(layer == 1 && document.activeElement == document.body ? null : document.activeElement);
    return true;
  },
  attach(name, factory) {
    factories[name] = factory;
  },
};

window.store = store;
window.consent = { attach: store.attach };
control(store);
watchOpeners(store, () => {});
placeholders(store);
