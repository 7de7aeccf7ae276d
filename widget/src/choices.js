// Bundle 4, "My choices": loaded only when it is opened. The server fills in CONSENT_CHOICES.

import { choices } from "./choices/dialog.js";

/** @type {any} */ (window).consent.attach("choices", (/** @type {import("./types").Store} */ store) => choices(store, CONSENT_CHOICES));
