/**
 * The list of sources that the core applies, composed of the services that a choice lets run.
 *
 * The twin of `consent/policy/sources.py`; both pass `tests/vectors/csp.json`. Pure.
 *
 * @typedef {import("./types").Settings} Settings
 * @typedef {import("./rules.js").Letters} Letters
 */

import { asked, covers, optional, own, runs, underSignal } from "./rules.js";

/**
 * The tokens to open, "*" for no policy at all.
 * @param {Settings} settings
 * @param {Letters} letters
 */
function half(settings, letters) {
  const services = settings.services.filter((service) => asked(settings, service).length);
  const open = services.filter((service) => runs(settings, letters, service));
  const shut = services.filter((service) => !open.includes(service)).flatMap((service) => service.sources);
  if (settings.everything && open.length == services.length
    && optional(settings).every(({ key }) => own(letters.purposes, key) == "g")) return "*";
  return [...new Set(open.flatMap((service) => service.sources))].filter((token) => !shut.some((source) => covers(token, source))).join(" ");
}

/**
 * What `consent.list` holds for these letters: the tokens, and after the bar the tokens under the opt-out signal.
 * @param {Settings} settings
 * @param {Letters} letters
 */
export const listText = (settings, letters) => `${half(settings, letters)}|${half(settings, underSignal(settings, letters))}`;
