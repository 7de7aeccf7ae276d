/** After a refusal or withdrawal: removes what the services left on the device, as far as script can reach it (EU-08). */

import { jar, local, session } from "./storage.js";

/** @typedef {Pick<import("./types").Service, "cookies" | "storage">} Traces */

/**
 * Whether a name fits one of the catalogue's patterns, in which `*` stands for any text.
 * @param {string[]} patterns
 * @param {string} name
 */
const fits = (patterns, name) => patterns.some((pattern) =>
  RegExp(`^${pattern.replace(/[^\w*]/g, "\\$&").replace(/\*/g, ".*")}$`).test(name));

/**
 * Expires a cookie under every domain and path above this page, for a cookie does not tell its own; the browser
 * overlooks those that are not ours to set.
 * @param {string} name
 */
export function expire(name) {
  const labels = location.hostname.split(".").slice(-8);
  const folders = location.pathname.split("/").slice(1, 9);
  for (let path = "/", at = 0; ; path = `/${folders.slice(0, ++at).join("/")}`) {
    for (const end of path == "/" ? [""] : ["", "/"]) {
      for (let from = -1; from < labels.length - 1; from++) {
        const domain = from < 0 ? "" : `;domain=${labels.slice(from).join(".")}`;
        for (const kind of ["", ";secure;samesite=none;partitioned"]) jar.set(`${name}=;max-age=0;path=${path}${end}${domain}${kind}`);
      }
    }
    if (at >= folders.length) return;
  }
}

/**
 * Removes the traces of services that may not run, but what one that may run has, too.
 * @param {Traces[]} gone
 * @param {Traces[]} kept
 * @param {string[]} ours names of our own cookies
 */
export function purge(gone, kept, ours) {
  const traces = (/** @type {Traces[]} */ of, /** @type {keyof Traces} */ what) => of.flatMap((service) => service[what]);
  for (const part of jar.get().split(";")) {
    const name = part.split("=")[0].trim();
    if (name && fits(traces(gone, "cookies"), name) && !fits([...traces(kept, "cookies"), ...ours], name)) expire(name);
  }
  for (const [kind, store] of /** @type {const} */ ([["local:", local], ["session:", session]])) {
    for (const key of store.keys()) {
      const name = kind + key;
      if (fits(traces(gone, "storage"), name) && !fits([...traces(kept, "storage"), `${kind}consent.*`], name)) store.set(key, null);
    }
  }
}
