// Bundle 2a, the first layer: loaded only when the visitor must be asked. The server fills in CONSENT_BANNER.

import { notice } from "./banner/notice.js";

/** @type {any} */ (window).consent.attach("banner", (/** @type {import("./types").Store} */ store) => notice(store, CONSENT_BANNER));
