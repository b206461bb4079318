// @ts-check
/** Fetches the values of all slices into one array. All of them, or none: a missing slice is an error. Knows no screen. */

/** @typedef {import("@/volume/geometry.js").Geometry} Geometry */
/** @typedef {Int16Array | Uint8Array | Float32Array} Values */

const AT_ONCE = 4;
const TEXTURE = 4; // bytes a value takes again on the graphics card
const KINDS = {
  "|u1": Uint8Array, u1: Uint8Array, "<i2": Int16Array, "<i4": Int32Array, "<f4": Float32Array, "<f8": Float64Array,
};
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
      const part = await slice(geometry.parts[index].url, signal, columns * rows);
      values.set(part, index * columns * rows);
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return values;
}

/** @param {string} url @param {AbortSignal} signal @param {number} count values it must have */
async function slice(url, signal, count) {
  const answer = await fetch(url, { signal }).catch((error) => {
    if (signal.aborted) throw error;
    throw new Error(gettext("No connection: an image of the series is missing."));
  });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.message ?? gettext("An image of the series cannot be shown."));
  }
  const kind = KINDS[/** @type {"u1"} */ (answer.headers.get("X-Values") ?? "")];
  const bytes = await answer.arrayBuffer();
  if (!kind || bytes.byteLength !== count * kind.BYTES_PER_ELEMENT) throw new Error(gettext("An image of the series cannot be shown."));
  return new kind(bytes);
}
