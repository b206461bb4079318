// @ts-check
/** The kinds of marks, and what they say in words. */

/** @typedef {import("@/viewer/tools/geometry.js").Figures} Figures */
/** @typedef {{uid: string, rev: number, image: number, frame: number, kind: string, points: number[][], text: string, figures: Figures,
 *   author: string, side: string, mine: boolean, waits?: boolean}} Mark `waits`: not kept by the site yet */

/** @type {Record<string, {points: number, icon: string, key: string, name: () => string, how: () => string}>} */
export const KINDS = {
  length: { points: 2, icon: "ruler", key: "d", name: () => gettext("Length"), how: () => gettext("Drag from one end to the other.") },
  angle: { points: 3, icon: "angle", key: "a", name: () => gettext("Angle"), how: () => gettext("Drag from one end to the corner, then click the other end.") },
  cobb: { points: 4, icon: "spline", key: "c", name: () => gettext("Cobb angle"), how: () => gettext("Drag along the upper end plate, then along the lower one.") },
  rectangle: { points: 2, icon: "square-dashed", key: "b", name: () => gettext("Rectangle"), how: () => gettext("Drag from corner to corner.") },
  ellipse: { points: 2, icon: "circle-dashed", key: "e", name: () => gettext("Ellipse"), how: () => gettext("Drag from corner to corner.") },
  arrow: { points: 2, icon: "move-up-right", key: "t", name: () => gettext("Arrow"), how: () => gettext("Drag from the finding to where its text shall stand.") },
  probe: { points: 1, icon: "pipette", key: "p", name: () => gettext("Value"), how: () => gettext("Click a point to read its value.") },
};

/** One line for each thing measured. @param {{kind: string, text: string, figures: Figures}} mark @param {boolean} [whole] every figure @returns {string[]} */
export function wordsOf({ kind, text, figures }, whole = true) {
  const { unit = "px", length, area, angle, mean, sd, low, high, value, rgb, ms, mv, values = "" } = figures;
  const lines = text ? [text] : [];
  const detector = figures.at === "detector" ? ` ${gettext("(at the detector)")}` : "";
  if (ms !== undefined && mv !== undefined) lines.push(`${Math.round(ms)} ms`, `${mv.toFixed(2)} mV`, ...(ms >= 200 ? [interpolate(gettext("%(rate)s a minute"), { rate: Math.round(60_000 / ms) }, true)] : []));
  else if (length !== undefined) lines.push(figures.at === "slide" ? onSlide(length, 1) : `${rounded(length)} ${unit}${detector}`);
  if (angle !== undefined) lines.push(`${angle.toFixed(1)}°`);
  if (area !== undefined) lines.push(figures.at === "slide" ? onSlide(area, 2) : `${rounded(area)} ${unit}²${detector}`);
  if (mean !== undefined && sd !== undefined) {
    lines.push(`${interpolate(gettext("Mean %(mean)s"), { mean: rounded(mean) }, true)} ${values}`.trim(), interpolate(gettext("SD %(sd)s"), { sd: rounded(sd) }, true));
    if (whole && low !== undefined && high !== undefined) lines.push(interpolate(gettext("%(low)s to %(high)s"), { low: rounded(low), high: rounded(high) }, true));
  }
  if (value !== undefined) lines.push(`${rounded(value)} ${values}`.trim());
  if (rgb) lines.push(`RGB ${rgb.join(" ")}`);
  if (!lines.length && kind === "arrow") return [];
  return lines.length ? lines : ["…"];
}

/** Under the microscope, in micrometres where that reads better: as imaging/services/annotation_words.py.
 * @param {number} size mm, or mm² @param {1 | 2} power */
function onSlide(size, power) {
  const mark = power === 2 ? "²" : "";
  return size < (power === 2 ? 0.1 : 1) ? `${(size * 1000 ** power).toFixed(1)} µm${mark}` : `${size.toFixed(3)} mm${mark}`;
}

/** One decimal, more only for what is small. @param {number} number */
function rounded(number) {
  const size = Math.abs(number);
  return size !== 0 && size < 1 ? number.toPrecision(2) : Number(number.toFixed(1)).toString();
}

/** Han names whole, others by their first letters. @param {string} name */
export function initials(name) {
  const plain = name.trim();
  if (/^\p{Script=Han}/u.test(plain)) return plain.slice(0, 4);
  return plain.split(/\s+/).map((word) => word[0] ?? "").join("").slice(0, 3).toUpperCase();
}
