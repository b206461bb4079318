// @ts-check
/**
 * Whether the frames of a series fill a box in the patient, and how. Knows no DOM and imports nothing.
 *
 * Millimetres in the patient's coordinates (DICOM PS3.3 C.7.6.2.1.1): x to the left, y to the back, z to the head.
 */

/**
 * @typedef {{pk: number, frames: number, width: number, height: number, frameUrl: string, values: {dtype: string, inverted: boolean} | null,
 *   plane: {frame: string, orientation: number[], positions: number[][]} | null, spacing: {row: number, column: number, at: string} | null}} Placed
 * @typedef {{image: number, frame: number, url: string}} Part one slice
 * @typedef {{key: string, dtype: string, inverted: boolean, size: number[], spacing: number[], origin: number[], direction: number[], parts: Part[]}} Geometry
 *   `direction`: along a row, down a column, from slice to slice; `parts` in the order of `origin` on
 * @typedef {"few" | "kind" | "place" | "sizes" | "ways" | "gaps" | "tilted"} Reason why it is no volume
 */

export const LEAST = 8;
const EXACT = 1e-3; // of unit vectors
const UNEVEN = 0.02; // of the gap between slices, and at least:
const ROUNDED = 0.01; // mm: files carry two decimals

/** @param {number[]} one @param {number[]} other */
const dot = (one, other) => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];

/** @param {Placed[]} images of one series @returns {{geometry: Geometry | null, reason: Reason | ""}} */
export function volumeOf(images) {
  const count = images.reduce((total, image) => total + image.frames, 0);
  if (count < LEAST) return no("few");
  const [first] = images;
  if (images.some(({ values }) => !values || values.inverted !== first.values?.inverted)) return no("kind");
  if (images.some(({ plane, spacing, frames }) => plane?.positions.length !== frames || spacing?.at !== "patient")) return no("place");
  if (images.some((image) => !hasSameGrid(image, first))) return no("sizes");
  if (images.some(({ plane }) => plane?.frame !== first.plane?.frame || !isAlike(plane?.orientation ?? [], first.plane?.orientation ?? []))) return no("ways");
  return stacked(images);
}

/** @param {Placed[]} images that lie in one space, the same way @returns {{geometry: Geometry | null, reason: Reason | ""}} */
function stacked(images) {
  const { orientation } = /** @type {{orientation: number[]}} */ (images[0].plane);
  const [[a, b, c], [d, e, f]] = [orientation.slice(0, 3), orientation.slice(3)];
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  const slices = images.flatMap(({ pk, plane, frameUrl }) => (plane?.positions ?? []).map((at, frame) => ({ at, depth: dot(at, normal), image: pk, frame, url: `${frameUrl}${frame}/values/` })));
  slices.sort((one, other) => one.depth - other.depth);
  const [lowest, last] = [slices[0], slices[slices.length - 1]];
  const gap = (last.depth - lowest.depth) / (slices.length - 1);
  const slack = Math.max(gap * UNEVEN, ROUNDED);
  if (gap <= ROUNDED || slices.some((slice, index) => index && Math.abs(slice.depth - slices[index - 1].depth - gap) > slack)) return no("gaps");
  if (slices.some(({ at, depth }) => at.some((value, axis) => Math.abs(value - lowest.at[axis] - (depth - lowest.depth) * normal[axis]) > 0.1))) return no("tilted");
  const { width, height, spacing, values } = images[0];
  const dtypes = new Set(images.map((image) => image.values?.dtype));
  return {
    reason: "",
    geometry: {
      key: slices.map(({ image, frame }) => `${image}:${frame}`).join(),
      dtype: dtypes.size === 1 ? (values?.dtype ?? "") : "mixed",
      inverted: values?.inverted ?? false,
      size: [width, height, slices.length],
      spacing: [spacing?.column ?? 1, spacing?.row ?? 1, gap],
      origin: lowest.at,
      direction: [...orientation, ...normal],
      parts: slices.map(({ image, frame, url }) => ({ image, frame, url })),
    },
  };
}

/** @param {Placed} one @param {Placed} other */
function hasSameGrid(one, other) {
  const near = (/** @type {number} */ a, /** @type {number} */ b) => Math.abs(a - b) <= EXACT;
  return one.width === other.width && one.height === other.height && near(one.spacing?.row ?? 0, other.spacing?.row ?? 0) && near(one.spacing?.column ?? 0, other.spacing?.column ?? 0);
}

/** @param {number[]} one @param {number[]} other */
function isAlike(one, other) {
  return one.every((value, index) => Math.abs(value - other[index]) <= EXACT);
}

/** @param {Reason} reason @returns {{geometry: null, reason: Reason}} */
function no(reason) {
  return { geometry: null, reason };
}

/** Column, row and slice of a point, not rounded. @param {Geometry} geometry @param {number[]} point mm */
export function voxelOf({ origin, direction, spacing }, point) {
  const from = point.map((value, axis) => value - origin[axis]);
  return [0, 1, 2].map((axis) => dot(from, direction.slice(axis * 3, axis * 3 + 3)) / spacing[axis]);
}

/** @param {Geometry} geometry @param {number[]} voxel column, row, slice */
export function pointOf({ origin, direction, spacing }, voxel) {
  return origin.map((value, axis) => value + [0, 1, 2].reduce((sum, along) => sum + direction[along * 3 + axis] * spacing[along] * voxel[along], 0));
}

/** The smallest box along the patient's axes that holds all of it, in mm. @param {Geometry} geometry */
export function boxOf(geometry) {
  const ends = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => pointOf(geometry, geometry.size.map((count, axis) => ((corner >> axis) & 1 ? count - 0.5 : -0.5))));
  return { low: [0, 1, 2].map((axis) => Math.min(...ends.map((end) => end[axis]))), high: [0, 1, 2].map((axis) => Math.max(...ends.map((end) => end[axis]))) };
}

/** The slice a point lies in or nearest to. @param {Geometry} geometry @param {number[]} point @returns {Part} */
export function partAt(geometry, point) {
  const { parts } = geometry;
  return parts[Math.min(Math.max(Math.round(voxelOf(geometry, point)[2]), 0), parts.length - 1)];
}
