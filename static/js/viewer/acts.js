// @ts-check
/** What a person can do in the viewer, by mouse, touch, key or button: each act makes a new view. */
import { clamp, first, windowOf, zoomed } from "@/viewer/view.js";
import { mirrored, turned } from "@/viewer/transform.js";

/** @typedef {import("@/viewer/viewer.js").Viewer} Viewer */

export class Acts {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
  }

  /** @param {Partial<import("@/viewer/view.js").View>} change */
  #change(change) {
    if (this.viewer.view) this.viewer.become({ ...this.viewer.view, ...change });
  }

  /** Another frame of the same series, looked at in the same way. @param {number} steps */
  scroll(steps) {
    const { series, place } = this.viewer.pane.here;
    const next = series?.stack[clamp(place + steps, 0, series.stack.length - 1)];
    if (next && series?.stack[place] !== next) this.#change(next);
  }

  /** @param {boolean} last */
  ends(last) {
    this.scroll(last ? 1e9 : -1e9);
  }

  /** The next series or photo, as it was looked at last. @param {number} steps */
  series(steps) {
    const all = this.viewer.series;
    const { series } = this.viewer.pane.here;
    if (!series || all.length < 2) return;
    this.open(all[(all.indexOf(series) + steps + all.length) % all.length].images[0].pk);
  }

  /** @param {number} pk @param {number} [frame] */
  open(pk, frame) {
    const image = this.viewer.images.find((each) => each.pk === pk && each.shown);
    if (!image) return;
    const view = this.viewer.remembered.get(pk) ?? first(image);
    this.viewer.become(frame === undefined ? view : { ...view, frame });
  }

  /** Zoom so that the point under the cursor stays. @param {number} factor @param {number} x @param {number} y */
  zoom(factor, x, y) {
    const { view, pane: { stage }, image } = this.viewer;
    if (!view || !image) return;
    const under = stage.toImage(x, y);
    const zoom = zoomed(view.zoom * factor, image);
    const ratio = view.zoom / zoom;
    this.#change({ zoom, x: under.x + (view.x - under.x) * ratio, y: under.y + (view.y - under.y) * ratio });
  }

  /** This point of the image, 0 to 1 each, comes to the middle. @param {number} x @param {number} y */
  look(x, y) {
    this.#change({ x, y });
  }

  /** @param {number} factor */
  zoomBy(factor) {
    if (this.viewer.view) this.#change({ zoom: this.viewer.view.zoom * factor });
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    const { view, pane: { stage } } = this.viewer;
    const [from, to] = [stage.toImage(0, 0), stage.toImage(dx, dy)];
    if (view) this.#change({ x: view.x - (to.x - from.x), y: view.y - (to.y - from.y) });
  }

  /** Right widens, up brightens. @param {number} dx @param {number} dy */
  window(dx, dy) {
    const { view, image } = this.viewer;
    const now = view && image && windowOf(view, image);
    if (!now || (!dx && !dy)) return;
    const step = Math.max(now.width / 250, 0.01);
    const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;
    this.#change({ preset: "", width: round(Math.max(now.width + dx * step, 1)), center: round(now.center + dy * step) });
  }

  /** @param {string} key */
  preset(key) {
    if (key) this.#change({ preset: key, center: null, width: null });
  }

  /** @param {number} number from 0 */
  presetNumber(number) {
    this.preset(this.viewer.image?.presets[number]?.key ?? "");
  }

  fit() {
    this.#change({ zoom: 1, x: 0.5, y: 0.5 });
  }

  /** One pixel of the image on one of the screen. */
  natural() {
    const { image, view, pane: { stage } } = this.viewer;
    if (image && view) this.#change({ zoom: 1 / (stage.fit(image, view) * devicePixelRatio) });
  }

  /** @param {number} quarters clockwise */
  turn(quarters) {
    if (this.viewer.view) this.viewer.become(turned(this.viewer.view, quarters));
  }

  mirror() {
    if (this.viewer.view) this.viewer.become(mirrored(this.viewer.view));
  }

  invert() {
    this.#change({ invert: !this.viewer.view?.invert });
  }

  reset() {
    const { view, image } = this.viewer;
    if (view && image) this.viewer.become({ ...first(image), frame: view.frame });
  }

  /** @param {string} name */
  tool(name) {
    this.viewer.marks.drop();
    this.viewer.tool = name;
    this.viewer.changed();
  }

  mpr() {
    this.viewer.mpr.toggle();
  }

  lines() {
    this.viewer.grid.toggleLines();
  }

  /** Opens the list of earlier images. */
  compare() {
    const { button } = this.viewer.shelf.priors;
    if (!button.hidden) button.click();
  }

  link() {
    this.viewer.grid.link(!this.viewer.grid.linked);
  }

  /** @param {string} name rows x columns */
  layout(name) {
    this.viewer.grid.choose(name);
  }

  /** @param {number} steps */
  layouts(steps) {
    this.viewer.grid.cycle(steps);
  }

  /** Tools and keys for the next pane. @param {number} steps */
  panes(steps) {
    this.viewer.grid.next(steps);
  }

  follow() {
    this.viewer.together.toggle();
  }
}
