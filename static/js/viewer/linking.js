// @ts-check
/** Panes that scroll together: to the same place in the patient where both say where they are, else by as many images. */
import { isParallel, isTogether, nearest, sliceOf } from "@/viewer/planes.js";
import { clamp } from "@/viewer/view.js";

/** @typedef {import("@/viewer/pane.js").Pane} Pane */

export class Linking {
  /** @type {Map<string, number>} how many images one series is ahead of another */ #ahead = new Map();

  /** As they stand now they belong together. @param {Pane[]} panes */
  begin(panes) {
    this.#ahead.clear();
    for (const one of panes) for (const other of panes) this.#offset(one, other);
  }

  /** @param {Pane} one @param {Pane} other @returns {number} */
  #offset(one, other) {
    const key = `${one.here.series?.key}|${other.here.series?.key}`;
    const known = this.#ahead.get(key);
    if (known !== undefined) return known;
    const ahead = other.here.place - one.here.place;
    this.#ahead.set(key, ahead);
    return ahead;
  }

  /** The place in a series that is most like where a pane looks: in the patient, else as far through it. @param {Pane} pane @param {import("@/viewer/series.js").Series} series */
  like(pane, series) {
    const { here, image, view } = pane;
    const from = image && view && sliceOf(image, view.frame);
    const to = series.images[0] && sliceOf(series.images[0], 0);
    if (from && to && isTogether(from, to) && isParallel(from, to)) return this.#nearestIn(pane, from, series.stack);
    const last = Math.max((here.series?.stack.length ?? 1) - 1, 1);
    return Math.round((here.place / last) * (series.stack.length - 1));
  }

  /** @param {Pane} pane @param {import("@/viewer/planes.js").Slice} from @param {{image: number, frame: number}[]} stack */
  #nearestIn(pane, from, stack) {
    const images = new Map(pane.viewer.images.map((image) => [image.pk, image]));
    return nearest(from, stack.map(({ image, frame }) => sliceOf(/** @type {any} */ (images.get(image)), frame)));
  }

  /** What a pane that was not scrolled before goes along from. @param {Pane} one about to scroll @param {Pane[]} panes */
  meet(one, panes) {
    for (const other of panes) if (other !== one) this.#offset(one, other);
  }

  /** The others go where this one has gone. @param {Pane} one @param {Pane[]} panes */
  follow(one, panes) {
    for (const other of panes) {
      const { series } = other.here;
      const place = other !== one && series && other.view ? this.#placeFor(one, other) : -1;
      const next = series?.stack[place];
      if (next && other.view) other.look({ ...other.view, ...next });
    }
  }

  /** @param {Pane} one @param {Pane} other @returns {number} place in the other's stack, -1 to stay */
  #placeFor(one, other) {
    const { stack } = /** @type {import("@/viewer/series.js").Series} */ (other.here.series);
    const [from, to] = [one, other].map(({ image, view }) => image && view && sliceOf(image, view.frame));
    if (from && to && isTogether(from, to)) {
      if (!isParallel(from, to)) return -1; // another way of cutting: the lines say where it is
      return this.#nearestIn(one, from, stack);
    }
    return clamp(one.here.place + this.#offset(one, other), 0, stack.length - 1);
  }
}
