// The layers use the bootstrap's own shadow roots and base style sheet instead of carrying them a second and third time.

import type { dress, keep, makeRoot } from "./parts.js";

declare module "../types" {
  interface Store {
    /** Set by the bootstrap, before anything else sees the store. */
    parts: { makeRoot: typeof makeRoot; dress: typeof dress; keep: typeof keep };
  }
}
