// @ts-check
/** How panes stand on a screen. Knows no DOM and imports nothing. */

/** Rows and columns, as a layout is named. @type {Record<string, {rows: number, columns: number}>} */
export const LAYOUTS = { "1x1": { rows: 1, columns: 1 }, "1x2": { rows: 1, columns: 2 }, "2x1": { rows: 2, columns: 1 }, "2x2": { rows: 2, columns: 2 } };
const LEAST = { width: 220, height: 130 }; // CSS pixels of a pane in which words and image can be read

/** @param {string} layout */
export function countOf(layout) {
  const { rows, columns } = LAYOUTS[layout];
  return rows * columns;
}

/**
 * Rows and columns on a screen of this size: two panes may stand the other way; where they do not fit, only the active one is seen.
 * @param {string} layout @param {{width: number, height: number}} size CSS pixels of all panes together
 */
export function shapeOn(layout, { width, height }) {
  const { rows, columns } = LAYOUTS[layout];
  const fits = (/** @type {number} */ down, /** @type {number} */ across) => width / across >= LEAST.width && height / down >= LEAST.height;
  if (fits(rows, columns)) return { rows, columns };
  if (rows * columns === 2 && fits(columns, rows)) return { rows: columns, columns: rows };
  return { rows: 1, columns: 1 };
}
