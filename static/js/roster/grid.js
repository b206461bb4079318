// @ts-check
/** Cells of the calendar's table and their neighbours. Knows no server. */

/** @param {Element} inside @returns {HTMLElement | null} */
export function cellOf(inside) {
  return /** @type {HTMLElement | null} */ (inside.closest("[data-cell]"));
}

/** Rows of cells, in the order of the page. @returns {HTMLElement[][]} */
function rows() {
  const found = [...document.querySelectorAll("[data-calendar] tr")].map((row) => /** @type {HTMLElement[]} */ ([...row.querySelectorAll("[data-cell]")]));
  return found.filter((row) => row.length);
}

/**
 * The cell beside another, null at the edge. Of people a shift stays in its department; in a month a line ends in the next.
 * @param {HTMLElement} cell @param {number} across @param {number} down @returns {HTMLElement | null}
 */
export function beside(cell, across, down) {
  const all = rows();
  const at = all.findIndex((row) => row.includes(cell));
  const column = all[at]?.indexOf(cell) ?? -1;
  if (at < 0) return null;
  if (cell.dataset.role) {
    const other = all[at + down]?.[column + across];
    return other && other.closest("tbody") === cell.closest("tbody") ? other : null;
  }
  const flat = all.flat();
  return flat[flat.indexOf(cell) + across + down * 7] ?? null;
}

/**
 * The nearest shift in a direction.
 * @param {HTMLElement} shift @param {number} across @param {number} down @returns {HTMLElement | null}
 */
export function next(shift, across, down) {
  let cell = cellOf(shift);
  const own = [...(cell?.querySelectorAll("a[data-entry]") ?? [])];
  const neighbour = down ? own[own.indexOf(shift) + down] : undefined;
  if (neighbour instanceof HTMLElement) return neighbour;
  while (cell) {
    cell = beside(cell, across, down);
    const found = [...(cell?.querySelectorAll("a[data-entry]") ?? [])];
    const first = down < 0 ? found.at(-1) : found[0];
    if (first instanceof HTMLElement) return first;
  }
  return null;
}
