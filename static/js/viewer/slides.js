// @ts-check
/** The way to whole slides: their tiles instead of a picture, by a painter that is fetched only when one is opened. */
import { Map } from "@/viewer/slidemap.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */

export class Slides {
  /** @type {import("@/slides/tiles.js").Tiles | null} */ #tiles = null;
  /** @type {() => void} places again what is there */ #place = () => {};

  /** @param {HTMLElement} box of the pane @param {(x: number, y: number) => void} look at a point of the slide, 0 to 1 each */
  constructor(box, look) {
    this.box = box;
    this.map = new Map(box, look);
  }

  /** Resolves when the first tile is on screen; rejects with an Error whose message is for people, as `failed` is told of one later.
   * @param {Img} image @param {(error: Error) => void} failed @returns {Promise<void>} */
  async open(image, failed) {
    this.close();
    const { Tiles } = await import("@/slides/tiles.js").catch(() => {
      throw new Error(gettext("No connection. The image will be fetched again."), { cause: "line" });
    });
    this.close(); // another one may have been opened meanwhile
    await new Promise((/** @type {(done: void) => void} */ done, broken) => {
      this.#tiles = new Tiles(this.box, image, { drawn: () => done(), failed: (error) => (broken(error), failed(error)) });
      this.#tiles.show(false);
      this.#place();
    });
  }

  /** @param {Img} image @param {View} view @param {number} stretch @param {number} scale @param {{width: number, height: number}} room */
  place(image, view, stretch, scale, room) {
    this.#place = () => {
      if (this.#tiles?.image.pk !== image.pk) return;
      this.#tiles.place(view, stretch, scale, room);
      this.map.place(image, view, stretch, scale, room);
    };
    this.#place();
  }

  /** @param {Img} image */
  show(image) {
    this.#tiles?.show(true);
    this.map.show(image);
  }

  /** Nothing of it stays on screen. */
  close() {
    this.#tiles?.destroy();
    this.#tiles = null;
    this.map.hide();
  }
}
