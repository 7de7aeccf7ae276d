/** In the later bundle `banner/parts.js` stands for this: the bootstrap has its style sheet and shadow roots already. */

export { make } from "./banner/parts.js";

/** @type {typeof import("./banner/parts.js").makeRoot} */
export const makeRoot = (store, name, ...children) => store.parts.makeRoot(store, name, ...children);
