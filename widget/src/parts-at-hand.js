/**
 * In the later bundle `banner/parts.js` stands for this: the style sheet and the shadow roots are in the bootstrap
 * already, and would be there twice.
 *
 * @typedef {import("./types").Store["parts"]} Parts
 */

export { make } from "./banner/parts.js";

/** @type {Parts["makeRoot"]} */
export let makeRoot;
/** @type {Parts["dress"]} */
export let dress;
/** @type {Parts["keep"]} */
export let keep;

/** @param {Parts} parts the bootstrap's */
export const take = (parts) => ({ makeRoot, dress, keep } = parts);
