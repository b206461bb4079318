// @ts-check
/** Fetches the values of all slices into one array. All of them, or none: a missing slice is an error. Knows no screen. */
import { fetchValues } from "@/viewer/values.js";

/** @typedef {import("@/volume/geometry.js").Geometry} Geometry */
/** @typedef {Int16Array | Uint8Array | Float32Array} Values */

const AT_ONCE = 4;
const TEXTURE = 4; // bytes a value takes again on the graphics card
const KEPT = { "|u1": Uint8Array, u1: Uint8Array, "<i2": Int16Array };

/** Bytes it takes here, at most. @param {Geometry} geometry */
export function weightOf({ size, dtype }) {
  const [columns, rows, slices] = size;
  return columns * rows * slices * (kept(dtype).BYTES_PER_ELEMENT + TEXTURE);
}

/** Bytes this device may give: an eighth of its memory where the browser tells it (in GB, never more than 8). */
export function roomHere() {
  const told = /** @type {any} */ (navigator).deviceMemory;
  return Math.max(Number.isFinite(told) ? told * 2 ** 27 : 0, 2 ** 28) + (Number.isFinite(told) ? 0 : 2 ** 28);
}

/** @param {string} dtype */
function kept(dtype) {
  return KEPT[/** @type {"u1"} */ (dtype)] ?? Float32Array;
}

/**
 * @param {Geometry} geometry @param {AbortSignal} signal @param {(done: number) => void} progress slices that are here
 * @returns {Promise<Values>} rejects with an Error whose message is for people
 */
export async function loadVolume(geometry, signal, progress) {
  const [columns, rows, slices] = geometry.size;
  const values = new (kept(geometry.dtype))(columns * rows * slices);
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < slices) {
      const index = next++;
      const part = await fetchValues(geometry.parts[index].url, columns * rows, signal);
      values.set(part, index * columns * rows);
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return values;
}
