/** How long a page had the visitor's attention, and how far down it was seen. */

/** Without a sign of the visitor for so long, a page is open and nobody looks at it; ms. */
const IDLE = 60_000;

/** A visit is over after so long without a sign; what is found out later would begin another. ms */
const OVER = 1_800_000;

const SIGNS = ["pointermove", "pointerdown", "keydown", "scroll", "focus"];

/** @param {AbortSignal} signal ends it */
export function watchAttention(signal) {
  let last = 0;
  let spent = 0;
  let told = 0;
  let deepest = 0;
  let scrolled = 0;

  const now = () => performance.now();
  const note = () => {
    if (last) spent += Math.min(now() - last, IDLE);
    last = document.hidden ? 0 : now();
    deepest = Math.max(deepest, scrollY + innerHeight);
  };
  const begin = () => {
    [last, spent, told, deepest, scrolled] = [0, 0, 0, 0, 0];
    note();
  };
  for (const sign of SIGNS) addEventListener(sign, note, { signal, passive: true, capture: true });
  document.addEventListener("visibilitychange", note, { signal, capture: true });
  begin();

  return {
    begin,

    /** Seconds, and quarters of the page that were seen for the first time, since it was last asked: both add up; null for neither. */
    take() {
      if (last && now() - last > OVER) return null;
      note();
      const height = document.documentElement.scrollHeight;
      const quarters = height ? Math.min(4, Math.floor(4 * deepest / height)) : 0;
      const engaged = Math.floor(spent / 1000) - told;
      const further = Math.max(0, quarters - scrolled);
      if (!engaged && !further) return null;
      told += engaged;
      scrolled += further;
      return { engaged, scrolled: further };
    },
  };
}
