// @ts-check
/** Many files sent together, as one: how far they are, and what was refused, each reason once. Draws nothing. */

/** @typedef {import("@/upload/sending.js").Sending} Sending */

export const LEAST = 4; // fewer are shown one by one

export class Batch {
  /** @type {Sending[]} */ sendings = [];

  /** @param {string} url @param {string} name of the folder @param {number} beside files left out quietly @param {import("@/upload/disc.js").Index | null} [index] of a disc */
  constructor(url, name, beside, index) {
    this.url = url;
    this.name = name;
    this.beside = beside;
    this.index = index ?? null;
  }

  get isOver() {
    return this.sendings.every((each) => each.isOver);
  }

  /** Files and bytes, how many of them are there, and whether the line is cut. */
  get standing() {
    const stored = this.sendings.filter((each) => each.stage === "stored");
    const bytes = this.sendings.reduce((sum, each) => sum + each.file.size, 0);
    const done = this.sendings.reduce((sum, each) => sum + (each.isOver ? each.file.size : each.stage === "sending" ? each.done : 0), 0);
    const cut = this.sendings.find((each) => each.stage === "sending" && each.words)?.words ?? "";
    return { files: this.sendings.length, stored: stored.length, bytes, done, cut };
  }

  /** @returns {{words: string, names: string[], failed: boolean}[]} what did not arrive, one entry a reason */
  get missing() {
    /** @type {Map<string, {words: string, names: string[], failed: boolean}>} */
    const found = new Map();
    for (const each of this.sendings.filter((one) => one.stage === "refused" || one.stage === "failed")) {
      const entry = found.get(each.words) ?? { words: each.words, names: [], failed: each.stage === "failed" };
      found.set(each.words, entry);
      entry.names.push(each.file.name);
    }
    return [...found.values()];
  }

  get failed() {
    return this.sendings.filter((each) => each.stage === "failed");
  }
}
