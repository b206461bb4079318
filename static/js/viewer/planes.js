// @ts-check
/**
 * Where frames lie in the patient, and how their planes cut each other. Knows no DOM and imports nothing.
 *
 * Millimetres in the patient's coordinates (DICOM PS3.3 C.7.6.2.1.1): x to the left, y to the back, z to the head.
 */

/**
 * @typedef {{plane: {frame: string, orientation: number[], positions: number[][]} | null, spacing: {row: number, column: number, at: string} | null, width: number, height: number}} Placed
 * @typedef {{frame: string, at: number[], row: number[], column: number[], normal: number[], across: number, down: number, width: number, height: number}} Slice
 *   `at`: the middle of the first pixel; `row`, `column`: the directions in which x and y of the image grow; `across`, `down`: millimetres from pixel to pixel
 */

const PARALLEL = 0.9962; // cosine of 5 degrees

/** @param {number[]} one @param {number[]} other */
const dot = (one, other) => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
/** @param {number[]} at @param {number[]} along @param {number} by */
const moved = (at, along, by) => at.map((value, axis) => value + along[axis] * by);
/** @param {number[]} one @param {number[]} other */
const between = (one, other) => one.map((value, axis) => value - other[axis]);

/** Null where the file does not say where this frame lies, or how large its pixels are in the patient. @param {Placed} image @param {number} frame from 0 @returns {Slice | null} */
export function sliceOf({ plane, spacing, width, height }, frame) {
  const at = plane?.positions[frame];
  if (!plane || !at || spacing?.at !== "patient" || !width) return null;
  const [row, column] = [plane.orientation.slice(0, 3), plane.orientation.slice(3)];
  const [[a, b, c], [d, e, f]] = [row, column];
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  return { frame: plane.frame, at, row, column, normal, across: spacing.column, down: spacing.row, width, height };
}

/** Whether they lie in one space. @param {Slice} one @param {Slice} other */
export function isTogether(one, other) {
  return one.frame === other.frame;
}

/** Whether they look the same way, or the opposite way, within 5 degrees. @param {Slice} one @param {Slice} other */
export function isParallel(one, other) {
  return Math.abs(dot(one.normal, other.normal)) > PARALLEL;
}

/** How far it lies along the normal of `slice`, in mm. @param {Slice} slice @param {Slice} other */
export function depthIn(slice, other) {
  return dot(between(other.at, slice.at), slice.normal);
}

/** The index of the slice that lies nearest to the plane of `slice`. @param {Slice} slice @param {(Slice | null)[]} others @returns {number} -1 when none lies anywhere */
export function nearest(slice, others) {
  const gaps = others.map((other) => (other ? Math.abs(depthIn(slice, other)) : Infinity));
  const least = Math.min(...gaps);
  return Number.isFinite(least) ? gaps.indexOf(least) : -1;
}

/**
 * The line in which `cutting`, as far as its image reaches, goes through the plane of `shown`.
 * @param {Slice} shown @param {Slice} cutting @returns {number[][] | null} its two ends, in pixels of the shown image; null where it does not, the planes
 *   are parallel, or they do not lie in one space
 */
export function lineIn(shown, cutting) {
  if (!isTogether(shown, cutting) || isParallel(shown, cutting)) return null;
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([u, v]) => cornerOf(cutting, u * cutting.width, v * cutting.height));
  const sides = corners.map((corner) => dot(between(corner, shown.at), shown.normal));
  const ends = corners.flatMap((corner, index) => {
    const next = (index + 1) % 4;
    if (sides[index] >= 0 === sides[next] >= 0) return [];
    const part = sides[index] / (sides[index] - sides[next]);
    return [moved(corner, between(corners[next], corner), part)];
  });
  return ends.length === 2 ? ends.map((end) => pixelOf(shown, end)) : null;
}

/** @param {Slice} slice @param {number} u @param {number} v pixels of the image, from its outer corner */
function cornerOf({ at, row, column, across, down }, u, v) {
  return moved(moved(at, row, (u - 0.5) * across), column, (v - 0.5) * down);
}

/** @param {Slice} slice @param {number[]} point mm */
function pixelOf({ at, row, column, across, down }, point) {
  const from = between(point, at);
  return [dot(from, row) / across + 0.5, dot(from, column) / down + 0.5];
}
