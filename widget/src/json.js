/**
 * JSON of plain data. Pages that still carry Prototype.js give arrays a `toJSON` of their own, which the built-in one obeys.
 * @param {any} value
 * @returns {string}
 */
export function json(value) {
  if (Array.isArray(value)) return `[${value.map(json).join()}]`;
  if (!value || typeof value != "object") return JSON.stringify(value) ?? "null";
  return `{${Object.keys(value).filter((key) => value[key] !== undefined).map((key) => `${JSON.stringify(key)}:${json(value[key])}`).join()}}`;
}
