// @ts-check
/**
 * Where a point of an image is on the screen, and back. Knows no DOM and imports nothing.
 *
 * Image points are pixels of the frame as it was sent: 0, 0 is the top left corner of the first pixel and width, height the
 * bottom right corner of the last (DICOM PS3.3 C.10.5, graphic annotation units PIXEL). Screen points are CSS pixels of the viewport.
 */

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {{width: number, height: number}} Size
 * @typedef {{a: number, b: number, c: number, d: number, e: number, f: number}} Matrix as CSS names it: x = a u + c v + e, y = b u + d v + f
 * @typedef {{zoom: number, x: number, y: number, turn: number, flip: boolean}} Look
 */

const COS = [1, 0, -1, 0];
const SIN = [0, 1, 0, -1];

/** Screen pixels for one column of the image when it just fits. @param {Size} image @param {number} stretch height of a pixel for its width @param {number} turn @param {Size} box */
export function fitting(image, stretch, turn, box) {
  const [across, down] = turn % 2 ? [image.height * stretch, image.width] : [image.width, image.height * stretch];
  return Math.max(1e-4, Math.min(box.width / across, box.height / down));
}

/**
 * The point `x`, `y` (0 to 1 of the image) is in the middle of the box; mirrored first, then turned clockwise by quarters.
 * @param {Size} image @param {number} stretch @param {Look} look @param {Size} box @returns {Matrix}
 */
export function placing(image, stretch, look, box) {
  const scale = fitting(image, stretch, look.turn, box) * look.zoom;
  const [across, down] = [look.flip ? -scale : scale, scale * stretch];
  const [cos, sin] = [COS[look.turn % 4], SIN[look.turn % 4]];
  const [a, b, c, d] = [cos * across, sin * across, -sin * down, cos * down];
  const [u, v] = [look.x * image.width, look.y * image.height];
  return { a, b, c, d, e: box.width / 2 - a * u - c * v, f: box.height / 2 - b * u - d * v };
}

/** @param {Matrix} matrix @param {Point} point @returns {Point} */
export function onScreen({ a, b, c, d, e, f }, { x, y }) {
  return { x: a * x + c * y + e, y: b * x + d * y + f };
}

/** @param {Matrix} matrix @param {Point} point @returns {Point} */
export function onImage({ a, b, c, d, e, f }, { x, y }) {
  const whole = a * d - b * c || 1;
  const [across, down] = [x - e, y - f];
  return { x: (d * across - c * down) / whole, y: (a * down - b * across) / whole };
}

/** Left and right change sides on the screen, however the image is turned. @template {{turn: number, flip: boolean}} T @param {T} look @returns {T} */
export function mirrored(look) {
  return { ...look, flip: !look.flip, turn: (4 - look.turn) % 4 };
}

/** A quarter clockwise on the screen for each of `quarters`. @template {{turn: number}} T @param {T} look @param {number} quarters @returns {T} */
export function turned(look, quarters) {
  return { ...look, turn: (((look.turn + quarters) % 4) + 4) % 4 };
}
