// Bundle 3, the visitors' log: loaded only where the visitor's choice, or the visitor's law, allows it.

import { keepLog } from "./telemetry/log.js";

/** @type {any} */ (window).consent.attach("telemetry", keepLog);
