// The switches of the second layer, and what they say when they are saved.

import { letters } from "./layer.js";

/** @typedef {import("../types").Store} Store */
/** @typedef {{ purposes: Record<string, boolean>, services: Record<string, boolean> }} Switches */

/**
 * As they are in force, under the signal as it is. Without a choice everything is off (EU-03), but for the default of an opt-out regime.
 * @param {Store} store
 * @returns {Switches}
 */
export function currentSwitches(store) {
  /** @type {Switches} */
  const switches = { purposes: {}, services: {} };
  const held = store.letters();
  for (const { key, required } of store.settings.purposes) {
    switches.purposes[key] = required || held.purposes[key] == "g";
  }
  for (const service of store.settings.services) {
    const own = held.services[service.key];
    switches.services[service.key] = own ? own == "g" : byPurpose(service, switches);
  }
  return switches;
}

/**
 * Turns a purpose on or off, and with it the services that serve it. One that serves others too runs only when they are on.
 * @param {Store} store
 * @param {Switches} switches
 * @param {string} key
 * @param {boolean} on
 */
export function switchPurpose(store, switches, key, on) {
  switches.purposes[key] = on;
  for (const service of store.settings.services) {
    if (service.purposes.includes(key)) switches.services[service.key] = byPurpose(service, switches);
  }
}

/**
 * @param {Store} store
 * @param {Switches} switches
 * @returns {import("../types").Decision}
 */
export function saved(store, switches) {
  /** @type {Record<string, "g" | "d">} */
  const services = {};
  for (const service of store.settings.services) {
    const on = switches.services[service.key];
    if (on != byPurpose(service, switches)) services[service.key] = on ? "g" : "d";
  }
  return { purposes: letters(store, (key) => switches.purposes[key]), services, control: "save", layer: 2 };
}

/**
 * Whether a service runs by its purposes alone (docs/formats.md, section 3).
 * @param {import("../types").Service} service
 * @param {Switches} switches
 */
function byPurpose(service, { purposes }) {
  return service.purposes.every((key) => purposes[key]);
}
