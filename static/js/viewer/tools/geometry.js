// @ts-check
/**
 * What a mark measures and where it can be gripped, in plain numbers: the same as imaging/raster/measure.py, for the moment
 * before the site has answered. Points are pixels of the frame. Imports nothing.
 */

/** @typedef {number[][]} Points [[x, y], ...] */
/** @typedef {{row: number, column: number, at?: string} | null} Spacing */
/** @typedef {{unit?: string, length?: number, area?: number, angle?: number, at?: string, count?: number, mean?: number, sd?: number, low?: number,
 *   high?: number, ms?: number, mv?: number, value?: number, rgb?: number[], values?: string}} Figures */

/** @typedef {{x0: number, y0: number, x1: number, y1: number, row: number | null, column: number | null}} Region of an ultrasound image; no scale: not both axes are lengths */

/** That of the region in which all points lie; pixels outside, across two, and where regions differ: see measure.py.
 * @param {Points} points @param {{spacing: Spacing, regions?: Region[]}} image @returns {Spacing} */
export function spacingAt(points, { spacing, regions = [] }) {
  if (!regions.length) return spacing;
  const around = regions.filter((each) => points.every(([x, y]) => each.x0 <= x && x <= each.x1 && each.y0 <= y && y <= each.y1));
  return common(around);
}

/** @param {Region[]} regions @returns {Spacing} what all of them say, null when they say nothing or differ */
export function common([first, ...others]) {
  if (!first?.row || !first.column) return null;
  return others.every(({ row, column }) => row === first.row && column === first.column) ? { row: first.row, column: first.column } : null;
}

/** @param {string} kind @param {Points} points as many as the kind has @param {Spacing} spacing
 * @param {{mmPerS: number, mmPerMv: number} | null} [ecg] the paper it is drawn on @returns {Figures} */
export function figuresOf(kind, points, spacing, ecg) {
  const flat = points.map(([x, y]) => [x * (spacing?.column ?? 1), y * (spacing?.row ?? 1)]);
  /** @type {Figures} */
  const unit = spacing ? { unit: "mm", ...(spacing.at === "detector" || spacing.at === "slide" ? { at: spacing.at } : {}) } : { unit: "px" };
  if (kind === "length") {
    const [across, down] = from(flat[0], flat[1]).map(Math.abs);
    return { ...unit, length: Math.hypot(across, down), ...(ecg ? { ms: (across / ecg.mmPerS) * 1000, mv: down / ecg.mmPerMv } : {}) };
  }
  if (kind === "angle") return { angle: between(from(flat[1], flat[0]), from(flat[1], flat[2])) };
  if (kind === "cobb") return { angle: cobb(flat) };
  if (kind === "rectangle" || kind === "ellipse") {
    const [across, down] = from(flat[0], flat[1]).map(Math.abs);
    return { ...unit, area: across * down * (kind === "ellipse" ? Math.PI / 4 : 1) };
  }
  return {};
}

/** Both lines run to the same side of the axis between their middles: see measure.py. @param {Points} flat */
function cobb([a, b, c, d]) {
  const axis = from(middle(a, b), middle(c, d));
  const [one, other] = [from(a, b), from(c, d)].map((arm) => (axis[0] * arm[1] - axis[1] * arm[0] >= 0 ? arm : [-arm[0], -arm[1]]));
  return between(one, other);
}

/** @param {number[]} start @param {number[]} end */
export function from(start, end) {
  return [end[0] - start[0], end[1] - start[1]];
}

/** @param {number[]} one @param {number[]} other */
export function middle(one, other) {
  return [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
}

/** @param {number[]} one @param {number[]} other */
export function apart(one, other) {
  return Math.hypot(...from(one, other));
}

/** @param {number[]} one @param {number[]} other degrees, 0 to 180 */
function between(one, other) {
  if (!one.some(Boolean) || !other.some(Boolean)) return 0; // an arm without length has no direction
  return (Math.abs(Math.atan2(one[0] * other[1] - one[1] * other[0], one[0] * other[0] + one[1] * other[1])) * 180) / Math.PI;
}

/** The lines of a mark, for the eye and the pointer. @param {string} kind @param {Points} points of the screen, perhaps not all yet @returns {Points[]} */
export function linesOf(kind, points) {
  const [a, b, c, d] = points;
  if (!b) return [];
  if (kind === "rectangle") return [[a, [b[0], a[1]], b, [a[0], b[1]], a]];
  if (kind === "ellipse") return [oval(a, b)];
  if (kind === "cobb") return d ? [[a, b], [c, d]] : [[a, b], ...(c ? [[c, c]] : [])];
  return [points];
}

/** @param {number[]} one @param {number[]} other corners of its box */
function oval(one, other) {
  const [x, y] = middle(one, other);
  const [across, down] = [Math.abs(other[0] - one[0]) / 2, Math.abs(other[1] - one[1]) / 2];
  return Array.from({ length: 65 }, (_, step) => {
    const at = (step / 32) * Math.PI;
    return [x + across * Math.cos(at), y + down * Math.sin(at)];
  });
}

/** How far a point is from the lines of a mark; from its only point, too. @param {string} kind @param {Points} points @param {number[]} at */
export function distance(kind, points, at) {
  const gaps = linesOf(kind, points).flatMap((line) => line.slice(1).map((end, index) => toSegment(at, line[index], end)));
  return Math.min(...gaps, ...(kind === "probe" ? [apart(points[0], at)] : []));
}

/** @param {number[]} at @param {number[]} start @param {number[]} end */
function toSegment(at, start, end) {
  const [along, out] = [from(start, end), from(start, at)];
  const long = along[0] ** 2 + along[1] ** 2;
  const part = long ? Math.min(Math.max((out[0] * along[0] + out[1] * along[1]) / long, 0), 1) : 0;
  return apart(at, [start[0] + part * along[0], start[1] + part * along[1]]);
}

/** The nearest move that keeps every point on the image. @param {Points} points @param {number[]} by @param {{width: number, height: number}} image @returns {Points} */
export function shifted(points, by, image) {
  const [across, down] = [image.width, image.height].map((size, axis) => {
    const all = points.map((point) => point[axis]);
    return Math.min(Math.max(by[axis], -Math.min(...all)), size - Math.max(...all));
  });
  return points.map(([x, y]) => [x + across, y + down]);
}
