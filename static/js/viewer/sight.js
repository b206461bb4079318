// @ts-check
/** What all panes show: their layout, which one is active, each one's view. One plain object, its forms on the wire. Knows no DOM. */
import { LAYOUTS } from "@/viewer/shapes.js";
import { fromWire, toWire } from "@/viewer/view.js";
import { readMpr } from "@/volume/state.js";

/**
 * @typedef {import("@/viewer/view.js").View} View
 * @typedef {{layout: string, active: number, linked: boolean, panes: (View | null)[]}} Sight `active` counts from 0, row by row; null: an empty pane;
 *   `linked`: they scroll together
 */

/** One image alone. @param {View} view @returns {Sight} */
export function alone(view) {
  return { layout: "1x1", active: 0, linked: false, panes: [view] };
}

/** The message `view`: the active pane's view, and beside it what the other panes show. @param {Sight} sight @returns {any} */
export function toMessage({ layout, active, linked, panes }) {
  const seen = panes[active] ? active : panes.findIndex(Boolean);
  const view = panes[seen];
  if (!view) return null;
  if (layout === "1x1") return { t: "view", ...toWire(view), ...(view.mpr ? { mpr: view.mpr } : {}) };
  const beside = panes.flatMap((each, index) => (index === seen ? [] : [each && toWire(each)]));
  return { t: "view", ...toWire(view), ...(view.mpr ? { mpr: view.mpr } : {}), layout, active: seen, linked, beside };
}

/** One view alone where the message says nothing of panes. @param {any} message @returns {Sight} */
export function fromMessage(message) {
  const view = { ...fromWire(message), mpr: readMpr(message.mpr) };
  if (!LAYOUTS[message.layout] || message.layout === "1x1") return alone(view);
  const panes = message.beside.map((/** @type {any} */ each) => each && fromWire(each));
  panes.splice(message.active, 0, view);
  return { layout: message.layout, active: message.active, linked: message.linked === true, panes };
}

/** @param {Sight | null} one @param {Sight | null} other */
export function isSame(one, other) {
  return one !== null && other !== null && JSON.stringify(toMessage(one)) === JSON.stringify(toMessage(other));
}
