// @ts-check
/** Django's catalogue defines gettext() and friends; a page without the catalogue still works, in English. */
const scope = /** @type {any} */ (globalThis);
scope.gettext ??= (/** @type {string} */ text) => text;
scope.ngettext ??= (/** @type {string} */ one, /** @type {string} */ many, /** @type {number} */ count) =>
  count === 1 ? one : many;
scope.interpolate ??= (/** @type {string} */ text, /** @type {Record<string, unknown>} */ values) =>
  text.replace(/%\((\w+)\)s/g, (_, key) => String(values[key]));

/** The page's language, e.g. "zh-hans". */
export const language = document.documentElement.lang || "zh-hans";
