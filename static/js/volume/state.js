// @ts-check
/** How a volume is looked at: one plain object in the patient's millimetres, the same on every screen. Knows no DOM. */
import { boxOf, pointOf } from "@/volume/geometry.js";

/**
 * @typedef {{at: number[], mm: number}} Look the point in the middle, and how many millimetres the shorter side of the screen is
 * @typedef {{at: number[], looks: Look[], slab: number}} Mpr `at`: where the three planes cross; `looks`: axial, coronal, sagittal; `slab`: thickness in mm of
 *   the layer whose largest values are shown, 0: the plane itself
 * @typedef {{name: "axial" | "coronal" | "sagittal", axis: number, right: number[], down: number[], edges: string[]}} Plane
 *   `axis`: the one it stands upright on; `edges`: the patient's sides, from the top clockwise
 */

export const SLABS = [0, 5, 10, 20, 50];
const FAR = 10_000; // mm

/** @type {Plane[]} seen as usual: from the feet, from the front, from the left */
export const PLANES = [
  { name: "axial", axis: 2, right: [1, 0, 0], down: [0, 1, 0], edges: ["A", "L", "P", "R"] },
  { name: "coronal", axis: 1, right: [1, 0, 0], down: [0, 0, -1], edges: ["H", "L", "F", "R"] },
  { name: "sagittal", axis: 0, right: [0, 1, 0], down: [0, 0, -1], edges: ["H", "P", "F", "A"] },
];

/** All of it in sight, the planes cross in its middle slice. @param {import("@/volume/geometry.js").Geometry} geometry @returns {Mpr} */
export function beginning(geometry) {
  const { low, high } = boxOf(geometry);
  const middle = low.map((value, axis) => (value + high[axis]) / 2);
  const at = pointOf(geometry, geometry.size.map((count) => Math.floor(count / 2)));
  const looks = PLANES.map(({ axis }) => ({ at: middle, mm: Math.max(...low.map((value, other) => (other === axis ? 0 : high[other] - value))) * 1.04 }));
  return tidy({ at, looks, slab: 0 });
}

/** What came over the line, or null when it is no such thing. @param {any} said @returns {Mpr | null} */
export function readMpr(said) {
  const isPoint = (/** @type {any} */ at) => Array.isArray(at) && at.length === 3 && at.every((value) => Number.isFinite(value) && Math.abs(value) <= FAR);
  const isLook = (/** @type {any} */ look) => isPoint(look?.at) && look.mm >= 1 && look.mm <= FAR;
  if (!isPoint(said?.at) || !Array.isArray(said.looks) || said.looks.length !== 3 || !said.looks.every(isLook)) return null;
  return said.slab >= 0 && said.slab <= 200 ? tidy(said) : null;
}

/** To a thousandth of a millimetre: the same text on both sides. @param {Mpr} mpr @returns {Mpr} */
function tidy({ at, looks, slab }) {
  const round = (/** @type {number} */ value) => Math.round(value * 1000) / 1000;
  return { at: at.map(round), looks: looks.map((look) => ({ at: look.at.map(round), mm: round(look.mm) })), slab };
}

/** @param {Mpr} mpr @param {Partial<Mpr>} change @param {import("@/volume/geometry.js").Geometry} geometry @returns {Mpr} */
export function changed(mpr, change, geometry) {
  const { low, high } = boxOf(geometry);
  const within = (/** @type {number[]} */ at) => at.map((value, axis) => Math.min(Math.max(value, low[axis]), high[axis]));
  const next = { ...mpr, ...change };
  return tidy({ ...next, at: within(next.at), looks: next.looks.map(({ at, mm }) => ({ at: within(at), mm: Math.min(Math.max(mm, 5), 5000) })) });
}

/** @param {Mpr} mpr @param {number} index of the plane @param {Partial<Look>} change @param {import("@/volume/geometry.js").Geometry} geometry */
export function lookChanged(mpr, index, change, geometry) {
  return changed(mpr, { looks: mpr.looks.map((look, each) => (each === index ? { ...look, ...change } : look)) }, geometry);
}

/** Where the camera of a plane looks: its middle, on the plane. @param {Mpr} mpr @param {number} index */
export function focusOf(mpr, index) {
  const { axis } = PLANES[index];
  return mpr.looks[index].at.map((value, each) => (each === axis ? mpr.at[axis] : value));
}

/** Pixels of a screen for a millimetre. @param {Look} look @param {{width: number, height: number}} room */
export function scaleOf({ mm }, { width, height }) {
  return Math.max(Math.min(width, height), 1) / mm;
}

/** @param {Mpr} mpr @param {number} index @param {{width: number, height: number}} room @param {number} x @param {number} y pixels from its corner @returns {number[]} mm */
export function toPatient(mpr, index, room, x, y) {
  const { right, down } = PLANES[index];
  const scale = scaleOf(mpr.looks[index], room);
  return focusOf(mpr, index).map((value, axis) => value + (right[axis] * (x - room.width / 2) + down[axis] * (y - room.height / 2)) / scale);
}

/** @param {Mpr} mpr @param {number} index @param {{width: number, height: number}} room @param {number[]} point mm */
export function toScreen(mpr, index, room, point) {
  const { right, down } = PLANES[index];
  const from = focusOf(mpr, index).map((value, axis) => point[axis] - value);
  const along = (/** @type {number[]} */ way) => from.reduce((sum, value, axis) => sum + value * way[axis], 0) * scaleOf(mpr.looks[index], room);
  return { x: room.width / 2 + along(right), y: room.height / 2 + along(down) };
}
