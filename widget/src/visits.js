/**
 * How far the visitors' log may go on this page, by what the visitor has said; and bundle 3, fetched only where it may go
 * at all. What the page tells before that waits here, and is forgotten where the visitor refuses.
 */

import { values } from "./cookie.js";
import { address } from "./page.js";
import { asked, own } from "./rules.js";
import { jar, session } from "./storage.js";

/** Calls of the page that wait, at most. */
const MOST_TOLD = 50;

/** From a page on which the visitor agreed, and which is loaded anew for that, to the one that follows: where the visit began. */
const ARRIVAL = "consent.arrival";

/**
 * The address that the visit began with here, and where the visitor came from. What was kept is for the page that was
 * loaded anew alone: one that is prerendered, or opened from it, begins with a copy of what the session holds.
 * @returns {string[]}
 */
function arrival() {
  const [entry] = performance.getEntriesByType("navigation");
  const held = session.get(ARRIVAL)?.split(" ");
  if (held) session.set(ARRIVAL, null);
  return held?.pop() == address() ? held : [entry?.name || location.href, document.referrer];
}

/** @param {import("./types").Store} store */
export function watchVisits(store) {
  const { settings, attach } = store;
  const { telemetry } = settings;
  const service = settings.services.find(({ key }) => key == telemetry?.service);
  /** @type {[string, any[]][]} */
  const told = [];

  /** Whether the visitor, or the signal, has refused what the log serves. */
  const refused = () => !service || own(store.choice?.services || {}, service.key) == "d"
    || asked(settings, service).some((purpose) => /^(denied|withdrawn|objected)$/.test(store.status(purpose)));

  let over = false;

  /** Nothing unless the browser holds the very choice that this page knows: another tab may have changed it. */
  const level = () => {
    if (over || !telemetry || !service || top != self || values(jar.get(), settings.cookie.name).join() != store.mark()) return "";
    return store.mark() && store.allows(service.key) ? "full" : telemetry.counts && !refused() ? "count" : "";
  };

  const arrived = arrival();
  store.visits = {
    level, told, arrived,
    take(method, args) {
      if (refused() && level() != "full" || told.length >= MOST_TOLD) return;
      told.push([method, args]);
      store.emit("told", {});
    },
  };
  if (!telemetry) return;

  let loading = false;
  const update = () => {
    if (refused() && level() != "full") told.length = 0;
    if (loading || !level() || /** @type {any} */ (document).prerendering) return;
    loading = true;
    store.load(telemetry.path).catch(() => { loading = false; });
  };
  store.attach = (name, factory) => (name == "telemetry" ? factory(store) : attach(name, factory));
  const before = level();
  store.on("change", update);
  store.on("outcome", ({ applied }) => {
    if (applied != "reload") return;
    if (before != "full" && level() == "full") session.set(ARRIVAL, [...arrived, address()].join(" "));
    over = true; // the next page tells it all, and two that begin at once would be two visitors
  });
  document.addEventListener("prerenderingchange", update);
  update();
}
