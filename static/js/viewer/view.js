// @ts-check
/** What is looked at and how: one plain object, its bounds, and its two forms on the wire. Knows no DOM. */

/**
 * @typedef {{key: string, label: string, center: number, width: number}} Preset
 * @typedef {{pk: number, consultation: number, kind: string, state: string, reason: string, shown: boolean, series: string, title: string,
 *   name: string, frames: number, pages: boolean, width: number, height: number, number: number | null, modality: string,
 *   laterality: string, view: string, takenOn: string, day: string, still: string, spacing: {row: number, column: number, at: string} | null,
 *   regions: import("@/viewer/tools/geometry.js").Region[],
 *   plane: {frame: string, orientation: number[], positions: number[][]} | null, sides: string[], ecg: {mmPerS: number, mmPerMv: number} | null, slide: {tilesUrl: string, tile: number, objective: number | null} | null,
 *   frameMs: number | null, values: {dtype: string, inverted: boolean} | null, presets: Preset[], otherPatient: string, frameUrl: string, reportUrl: string, thumbnailUrl: string, originalUrl: string}} Img
 * @typedef {{image: number, frame: number, preset: string, center: number | null, width: number | null, zoom: number, x: number, y: number,
 *   turn: number, flip: boolean, invert: boolean, mpr?: import("@/volume/state.js").Mpr | null}} View `mpr`: three planes of its series
 */

const ZOOM = { least: 0.1, most: 20, slide: 5000 };

/** A slide is looked at until its pixels are large, also on a small screen. @param {number} zoom @param {Img} image */
export function zoomed(zoom, image) {
  const most = image.slide ? clamp(Math.max(image.width, image.height) / 100, ZOOM.most, ZOOM.slide) : ZOOM.most;
  return clamp(zoom, ZOOM.least, most);
}

const PLAIN = { zoom: 1, x: 0.5, y: 0.5, turn: 0, flip: false, invert: false };

/** The view an image begins with. `x`, `y` name the point of the image in the middle of the screen; zoom 1 fits.
 * `turn` quarters clockwise after `flip`, the mirror. @param {Img} image @returns {View} */
export function first(image) {
  return { image: image.pk, frame: 0, preset: image.presets[0]?.key ?? "", center: null, width: null, ...PLAIN };
}

/** @param {View} view @param {Img} image @returns {View} */
export function bounded(view, image) {
  const known = image.presets.some((preset) => preset.key === view.preset);
  const free = image.presets.length > 0 && isNumber(view.center) && isNumber(view.width);
  return {
    image: image.pk,
    frame: clamp(Math.round(view.frame), 0, image.frames - 1),
    preset: free ? "" : known ? view.preset : (image.presets[0]?.key ?? ""),
    center: free ? clamp(Number(view.center), -1e6, 1e6) : null,
    width: free ? clamp(Number(view.width), 1, 1e6) : null,
    zoom: zoomed(view.zoom, image),
    x: clamp(view.x, 0, 1),
    y: clamp(view.y, 0, 1),
    turn: clamp(Math.round(view.turn), 0, 3),
    flip: view.flip === true,
    invert: view.invert === true,
    mpr: view.mpr ?? null,
  };
}

/** Center and width in use, null for colour and photos. @param {View} view @param {Img} image */
export function windowOf(view, image) {
  if (isNumber(view.center) && isNumber(view.width)) return { center: Number(view.center), width: Number(view.width) };
  const preset = image.presets.find((each) => each.key === view.preset) ?? image.presets[0];
  return preset ? { center: preset.center, width: preset.width } : null;
}

/** Where the frame's picture is. @param {Img} image @param {View} view @param {number} largest 0: full size */
export function frameUrl(image, view, largest) {
  const asked = new URLSearchParams();
  if (isNumber(view.center)) {
    asked.set("center", String(view.center));
    asked.set("width", String(view.width));
  } else if (view.preset) asked.set("preset", view.preset);
  if (largest) asked.set("max", String(largest));
  const query = asked.toString();
  return `${image.frameUrl}${view.frame}/${query ? `?${query}` : ""}`;
}

/** What the site is to do with the frame as it is looked at. @param {Img} image @param {View} view @param {string} act key or print @param {string} region of a slide */
export function actUrl(image, view, act, region) {
  const [path, query] = frameUrl(image, view, 0).split("?");
  const asked = new URLSearchParams(query);
  if (region) asked.set("region", region);
  asked.set("turn", String(view.turn));
  if (view.flip) asked.set("flip", "1");
  if (view.invert) asked.set("invert", "1");
  return `${path}${act}/?${asked}`;
}

/** @param {View} view */
export function toWire(view) {
  const { image, frame, zoom, x, y, turn, flip, invert } = view;
  const look = isNumber(view.center) ? { center: view.center, width: view.width } : view.preset ? { preset: view.preset } : {};
  return { image, frame, ...look, zoom: round(zoom), x: fine(x), y: fine(y), turn, flip, invert };
}

/** @param {any} message @returns {View} */
export function fromWire(message) {
  const { image, frame, preset, center, width, zoom, x, y, turn, flip, invert } = message;
  return {
    image, frame, preset: preset ?? "", center: center ?? null, width: width ?? null,
    zoom: zoom ?? PLAIN.zoom, x: x ?? PLAIN.x, y: y ?? PLAIN.y, turn: turn ?? PLAIN.turn, flip: flip ?? false, invert: invert ?? false,
  };
}

/** @param {number} value @param {number} least @param {number} most */
export function clamp(value, least, most) {
  return Math.min(Math.max(Number.isFinite(value) ? value : least, least), most);
}

/** @param {unknown} value */
function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** A pixel of a slide is a small part of it. @param {number} value */
function fine(value) {
  return Math.round(value * 1e7) / 1e7;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 1e5) / 1e5;
}
