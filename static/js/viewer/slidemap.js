// @ts-check
/** The whole slide, small, in a corner of its pane: where one is, and the way to elsewhere. */
import { element } from "@/base/dom.js";
import { onImage, onScreen, placing } from "@/viewer/transform.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */
/** @typedef {{width: number, height: number}} Size */

const SIDE = 132; // CSS pixels of the longer side

export class Map {
  /** @type {import("@/viewer/transform.js").Matrix} */ #matrix = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };
  /** @type {Size} */ #size = { width: 1, height: 1 };

  /** @param {HTMLElement} pane @param {(x: number, y: number) => void} look */
  constructor(pane, look) {
    this.picture = /** @type {HTMLImageElement} */ (element("img", { alt: "", draggable: "false" }));
    this.frame = element("div", { class: "slide-map-frame", "data-slide-frame": "" });
    this.box = element("div", { class: "slide-map", "data-slide-map": "", "aria-hidden": "true" }, this.picture, this.frame);
    this.box.hidden = true;
    pane.append(this.box);
    this.box.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      this.box.setPointerCapture(event.pointerId);
      this.#go(event, look);
    });
    this.box.addEventListener("pointermove", (event) => {
      event.stopPropagation();
      if (event.buttons & 1) this.#go(event, look);
    });
  }

  /** @param {PointerEvent} event @param {(x: number, y: number) => void} look */
  #go(event, look) {
    const { left, top } = this.box.getBoundingClientRect();
    const at = onImage(this.#matrix, { x: event.clientX - left - this.box.clientLeft, y: event.clientY - top - this.box.clientTop });
    look(at.x / this.#size.width, at.y / this.#size.height);
  }

  /** As the slide lies in the pane, mirrored and turned; the frame is what the pane shows of it.
   * @param {Img} image @param {View} view @param {number} stretch @param {number} scale screen pixels for one column @param {Size} room of the pane */
  place(image, view, stretch, scale, room) {
    const [across, down] = view.turn % 2 ? [image.height * stretch, image.width] : [image.width, image.height * stretch];
    const times = SIDE / Math.max(across, down);
    const own = { width: Math.max(8, across * times), height: Math.max(8, down * times) };
    this.#size = image;
    this.#matrix = placing(image, stretch, { ...view, zoom: 1, x: 0.5, y: 0.5 }, own);
    const { a, b, c, d, e, f } = this.#matrix;
    Object.assign(this.box.style, { width: `${own.width}px`, height: `${own.height}px` });
    this.picture.style.transform = `matrix(${[a * image.width, b * image.width, c * image.height, d * image.height, e, f].join()})`;
    this.picture.style.filter = view.invert ? "invert(1)" : "";
    const middle = onScreen(this.#matrix, { x: view.x * image.width, y: view.y * image.height });
    const [wide, high] = [(room.width / scale) * times, (room.height / scale) * times];
    const [left, top] = [Math.max(0, middle.x - wide / 2), Math.max(0, middle.y - high / 2)];
    const [right, bottom] = [Math.min(own.width, middle.x + wide / 2), Math.min(own.height, middle.y + high / 2)];
    Object.assign(this.frame.style, { left: `${left}px`, top: `${top}px`, width: `${Math.max(4, right - left)}px`, height: `${Math.max(4, bottom - top)}px` });
  }

  /** @param {Img} image */
  show(image) {
    if (this.picture.getAttribute("src") !== image.thumbnailUrl) this.picture.src = image.thumbnailUrl;
    this.box.hidden = false;
  }

  hide() {
    this.box.hidden = true;
    this.picture.removeAttribute("src");
  }
}
