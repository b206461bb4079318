// @ts-check
/** Which way the patient lies on the screen, in letters (DICOM PS3.3 C.7.6.1.1.1). Knows no DOM and imports nothing. */

/** @typedef {{top: string, right: string, bottom: string, left: string}} Edges letters of the patient at each edge of the screen */

const SLIGHT = 0.2; // of a unit vector: below 12 degrees a direction is not named
const OPPOSITE = { A: "P", P: "A", L: "R", R: "L", H: "F", F: "H" };

/** The letters towards which a direction runs, the most important first, such as "AL". @param {number[]} direction unit vector in the patient's coordinates: left, posterior, head */
export function lettersOf([x, y, z]) {
  const parts = [
    { size: x, plus: "L", minus: "R" },
    { size: y, plus: "P", minus: "A" },
    { size: z, plus: "H", minus: "F" },
  ];
  const named = parts.filter(({ size }) => Math.abs(size) > SLIGHT).sort((one, other) => Math.abs(other.size) - Math.abs(one.size));
  return named.map(({ size, plus, minus }) => (size > 0 ? plus : minus)).join("");
}

/** @param {string} letters */
export function opposite(letters) {
  return [...letters].map((letter) => OPPOSITE[/** @type {"A"} */ (letter)] ?? "").join("");
}

/**
 * From the plane where it is known, else from the letters of the file; null where the file says nothing.
 * @param {{plane: {orientation: number[]} | null, sides: string[]}} image @param {{turn: number, flip: boolean}} look mirrored first, then turned clockwise by quarters
 * @returns {Edges | null}
 */
export function edgesOf({ plane, sides }, { turn, flip }) {
  const [right, bottom] = plane ? [lettersOf(plane.orientation.slice(0, 3)), lettersOf(plane.orientation.slice(3))] : sides;
  if (!right || !bottom) return null;
  const [towards, away] = flip ? [opposite(right), right] : [right, opposite(right)];
  const round = [opposite(bottom), towards, bottom, away]; // top, right, bottom, left
  const at = (/** @type {number} */ edge) => round[(edge - turn + 8) % 4];
  return { top: at(0), right: at(1), bottom: at(2), left: at(3) };
}
