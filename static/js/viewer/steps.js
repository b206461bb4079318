// @ts-check
/** Values as imaging/raster/steps.py folds them. */

/** @param {ArrayLike<number>} bytes all low ones, then all high ones @returns {Int16Array} */
export function unfolded(bytes) {
  const count = bytes.length / 2;
  const values = new Int16Array(count);
  let last = 0;
  for (let at = 0; at < count; at++) {
    const number = bytes[at] | (bytes[count + at] << 8);
    values[at] = last + ((number >>> 1) ^ -(number & 1));
    last = values[at]; // modulo 2^16, as it was folded
  }
  return values;
}
