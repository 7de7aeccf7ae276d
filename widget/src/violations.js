/** What the policy blocked on this page, and whose it was. */

import { serviceOf } from "./rules.js";

/** A page that is blocked more often than this is not told apart from one that is blocked forever. */
const MOST = 200;

/**
 * @param {import("./types").Store} store
 * @param {string} ours how our policies begin
 */
export function watchViolations(store, ours) {
  store.violations = [];

  /** @param {SecurityPolicyViolationEvent} event */
  const note = ({ blockedURI: url, effectiveDirective: directive, target, originalPolicy, disposition }) => {
    if (store.violations.length >= MOST || disposition == "report" || !originalPolicy.startsWith(ours) || !/^(http|ws)s?:/.test(url)) return;
    const violation = { url, directive, element: target instanceof Element ? target : null, service: serviceOf(store.settings, url) };
    store.violations.push(violation);
    store.emit("violation", violation);
  };
  store.core?.violations.forEach(note);
  addEventListener("securitypolicyviolation", note);
}
