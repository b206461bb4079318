// @ts-check
/** What a person can do with three planes: each act makes a new view, which alone changes the screen. */
import { windowOf } from "@/viewer/view.js";
import { partAt } from "@/volume/geometry.js";
import { beginning, changed, lookChanged, PLANES, toPatient } from "@/volume/state.js";

/** @typedef {import("@/volume/state.js").Mpr} Mpr */

const ONWARD = [-1, 1, -1]; // a step down goes to the right, the back, the feet

export class Acts {
  tool = "cross";

  /** @param {import("@/volume/mode.js").Mode} mode */
  constructor(mode) {
    this.mode = mode;
  }

  /** @param {Partial<import("@/viewer/view.js").View>} look */
  #become(look) {
    const { view } = this.mode.viewer;
    if (view && this.mode.cuts) this.mode.viewer.become({ ...view, ...look });
  }

  /** @param {Mpr} mpr */
  #go(mpr) {
    const { image, frame } = partAt(this.mode.geometry, mpr.at);
    this.#become({ mpr, image, frame, preset: "" });
  }

  /** The planes cross here. @param {number} index @param {number} x @param {number} y */
  cross(index, x, y) {
    if (this.mode.mpr) this.#go(changed(this.mode.mpr, { at: toPatient(this.mode.mpr, index, this.mode.room(index), x, y) }, this.mode.geometry));
  }

  /** @param {number} index @param {number} steps towards the feet, the back, the right: as the usual view goes on */
  scroll(index, steps) {
    const { mpr } = this.mode;
    const { axis } = PLANES[index];
    const step = Math.min(...this.mode.geometry.spacing.map((gap, along) => (Math.abs(this.mode.geometry.direction[along * 3 + axis]) > 0.7 ? gap : Infinity)));
    if (mpr) this.#go(changed(mpr, { at: mpr.at.map((value, each) => (each === axis ? value + steps * ONWARD[axis] * (Number.isFinite(step) ? step : 1) : value)) }, this.mode.geometry));
  }

  /** @param {number} index @param {number} dx @param {number} dy */
  pan(index, dx, dy) {
    const { mpr } = this.mode;
    const room = this.mode.room(index);
    if (mpr) this.#go(lookChanged(mpr, index, { at: toPatient(mpr, index, room, room.width / 2 - dx, room.height / 2 - dy) }, this.mode.geometry));
  }

  /** @param {number} index @param {number} factor */
  zoom(index, factor) {
    const { mpr } = this.mode;
    if (mpr) this.#go(lookChanged(mpr, index, { mm: mpr.looks[index].mm / factor }, this.mode.geometry));
  }

  /** @param {number} center @param {number} width */
  window(center, width) {
    this.#become({ preset: "", center, width: Math.max(width, 1) });
  }

  /** Right widens, up brightens. @param {number} dx @param {number} dy */
  drag(dx, dy) {
    const { view, image } = this.mode.viewer;
    const now = view && image && windowOf(view, image);
    const step = now ? Math.max(now.width / 250, 0.01) : 0;
    const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;
    if (now) this.window(round(now.center + dy * step), round(Math.max(now.width + dx * step, 1)));
  }

  /** @param {number} number from 0 */
  preset(number) {
    const preset = this.mode.viewer.image?.presets[number];
    if (preset) this.window(preset.center, preset.width);
  }

  /** @param {number} slab mm */
  slab(slab) {
    if (this.mode.mpr) this.#go(changed(this.mode.mpr, { slab }, this.mode.geometry));
  }

  reset() {
    this.#go(beginning(this.mode.geometry));
  }

  /** @param {string} tool */
  take(tool) {
    this.tool = tool;
    this.mode.show();
  }

  leave() {
    this.mode.leave();
  }
}
