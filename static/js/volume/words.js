// @ts-check
/** The words and lines over a plane: which one, where it lies, the patient's sides, window, value and scale. */
import { element } from "@/base/dom.js";
import { PLANES, scaleOf, toScreen } from "@/volume/state.js";

/** @typedef {{across: HTMLElement, down: HTMLElement, overlay: import("@/viewer/overlay.js").Overlay}} Over */

const NAMES = { axial: () => gettext("Axial"), coronal: () => gettext("Coronal"), sagittal: () => gettext("Sagittal") };
const LENGTHS = [1, 2, 5, 10, 20, 50, 100, 200];
const SIDES = [["L", "R"], ["P", "A"], ["H", "F"]]; // towards which an axis grows, and falls

/** @param {import("@/volume/state.js").Plane} plane */
export function nameOf({ name }) {
  return NAMES[name]();
}

/** @param {import("@/volume/mode.js").Mode} mode @param {Over} over @param {number} index @param {import("@/volume/state.js").Mpr} mpr @param {{center: number, width: number}} window */
export function say(mode, { across, down, overlay }, index, mpr, window) {
  const plane = PLANES[index];
  const room = mode.room(index);
  const { x, y } = toScreen(mpr, index, room, mpr.at);
  down.style.translate = `${x}px 0`;
  across.style.translate = `0 ${y}px`;
  plane.edges.forEach((letter, edge) => {
    overlay.edges[["top", "right", "bottom", "left"][edge]].textContent = letter;
  });
  const [plus, minus] = SIDES[plane.axis];
  const depth = mpr.at[plane.axis];
  const thick = mpr.slab ? ` · MIP ${mpr.slab} mm` : "";
  overlay.corners.bl.replaceChildren(line(`${depth < 0 ? minus : plus} ${Math.abs(depth).toFixed(1)} mm${thick}`));
  const scale = ruler(scaleOf(mpr.looks[index], room));
  overlay.corners.tr.replaceChildren(line(nameOf(plane)));
  overlay.corners.br.replaceChildren(scale);
  if (index) return; // the series, its value and window stand once
  const { image } = mode.viewer;
  const side = { L: gettext("Left"), R: gettext("Right"), B: gettext("Both sides") }[image?.laterality ?? ""] ?? image?.laterality ?? "";
  overlay.corners.tr.append(line(image?.title ?? ""), line([side, image?.view].filter(Boolean).join(" ")));
  const value = mode.valueAt(mpr.at);
  const words = value === null ? "" : `${Math.round(value * 100) / 100}${image?.modality === "CT" ? " HU" : ""}`;
  overlay.corners.br.replaceChildren(line(words), line(`${gettext("W")} ${Math.round(window.width)} ${gettext("L")} ${Math.round(window.center)}`), scale);
}

/** @param {string} text */
function line(text) {
  return element("div", {}, text);
}

/** @param {number} scale pixels for a millimetre */
function ruler(scale) {
  const length = LENGTHS.filter((long) => long * scale <= 100).pop() ?? 1;
  const bar = element("div", { class: "mpr-ruler", "data-ruler": "mm" }, `${length} mm`);
  bar.style.width = `${Math.max(2, length * scale)}px`;
  return bar;
}
