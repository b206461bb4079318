// @ts-check
/** Finds room for words: within the screen, and not over those that stand there already. Knows no DOM. */

/** @typedef {{left: number, top: number, width: number, height: number}} Box in pixels of the screen */

const TRIES = 12;

export class Room {
  /** @type {Box[]} */ #taken = [];

  /** @param {number} width @param {number} height of the screen */
  constructor(width, height) {
    this.width = width;
    this.height = height;
  }

  /** The nearest free place below, or above where there is none. @param {Box} wanted @returns {Box} */
  take(wanted) {
    const left = Math.max(4, Math.min(wanted.left, this.width - wanted.width - 4));
    const within = (/** @type {number} */ top) => Math.max(4, Math.min(top, this.height - wanted.height - 4));
    const first = { ...wanted, left, top: within(wanted.top) };
    const found = this.#search(first, (other) => other.top + other.height + 2) ?? this.#search(first, (other) => other.top - wanted.height - 2) ?? first;
    this.#taken.push(found);
    return found;
  }

  /** @param {Box} box @param {(other: Box) => number} beside the top that is clear of the other */
  #search(box, beside) {
    let now = box;
    for (let tries = 0; tries < TRIES; tries++) {
      const other = this.#taken.find((each) => overlap(each, now));
      if (!other) return now;
      now = { ...now, top: beside(other) };
      if (now.top < 4 || now.top + now.height > this.height - 4) return null;
    }
    return null;
  }
}

/** @param {Box} one @param {Box} other */
function overlap(one, other) {
  return one.left < other.left + other.width && other.left < one.left + one.width && one.top < other.top + other.height && other.top < one.top + one.height;
}
