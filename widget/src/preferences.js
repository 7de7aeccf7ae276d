// Bundle 2b, the second layer: loaded only when it is opened. The server fills in CONSENT_PREFERENCES.

import { preferences } from "./banner/preferences.js";

/** @type {any} */ (window).consent.attach("preferences", (/** @type {import("./types").Store} */ store) =>
  preferences(store, CONSENT_PREFERENCES));
