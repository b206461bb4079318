// @ts-check
/** Collects the points of a new mark: each press is one, and each drag two. Knows no screen and no image. */

export class Pen {
  /** @type {number[][]} */ points = [];
  /** @type {number[] | null} where the pointer is */ at = null;
  #moved = false;

  /** @param {string} kind @param {number} count of points */
  constructor(kind, count) {
    this.kind = kind;
    this.count = count;
  }

  /** @param {number[]} at */
  press(at) {
    this.points.push(at);
    this.at = at;
    this.#moved = false;
  }

  /** @param {number[]} at @param {boolean} far from where it was pressed */
  slide(at, far) {
    this.at = at;
    this.#moved ||= far;
  }

  /** @param {number[]} at */
  lift(at) {
    if (this.#moved && !this.isWhole) this.points.push(at);
    this.#moved = false;
    this.at = at;
  }

  get isWhole() {
    return this.points.length >= this.count;
  }

  /** What can be shown of it now: the next point is under the pointer. */
  get shown() {
    return this.isWhole || !this.at ? this.points : [...this.points, this.at];
  }
}
