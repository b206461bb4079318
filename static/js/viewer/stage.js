// @ts-check
/** The surface an image is drawn on: placing, scaling, blank with a reason when there is nothing right to show. */
import { element, icon } from "@/base/dom.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */

const STEPS = [1024, 2048];

export class Stage {
  /** @param {HTMLElement} viewport */
  constructor(viewport) {
    this.viewport = viewport;
    this.canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { role: "img" }));
    Object.assign(this.canvas.style, { width: "auto", height: "auto", inset: "0 auto auto 0" });
    this.status = element("div", { class: "viewport-state", role: "status" });
    this.status.hidden = true;
    viewport.append(this.canvas, this.status);
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    this.blank();
  }

  /** Height of a pixel for its width: not every detector has square ones. @param {Img} image */
  static stretch(image) {
    const { row = 1, column = 1 } = image.spacing ?? {};
    return Math.min(Math.max(row / column, 0.1), 10);
  }

  /** Screen pixels for one column of the image when it just fits. @param {Img} image */
  fit(image) {
    const { clientWidth, clientHeight } = this.viewport;
    return Math.max(1e-4, Math.min(clientWidth / image.width, clientHeight / (image.height * Stage.stretch(image))));
  }

  /** Largest side worth fetching, 0 for full size. @param {Img} image @param {View} view */
  largest(image, view) {
    const side = Math.max(image.width, image.height);
    const needed = side * this.fit(image) * view.zoom * devicePixelRatio;
    return STEPS.find((step) => step >= needed && step < side) ?? 0;
  }

  /** @param {Img} image @param {View} view */
  place(image, view) {
    const { clientWidth, clientHeight } = this.viewport;
    this.scale = this.fit(image) * view.zoom;
    this.width = image.width * this.scale;
    this.height = image.height * Stage.stretch(image) * this.scale;
    this.left = clientWidth / 2 - view.x * this.width;
    this.top = clientHeight / 2 - view.y * this.height;
    const across = this.width / (this.canvas.width || 1);
    const down = this.height / (this.canvas.height || 1);
    this.canvas.style.transform = `translate(${this.left}px, ${this.top}px) scale(${across}, ${down})`;
    this.canvas.style.imageRendering = across >= 4 ? "pixelated" : "auto";
  }

  /** @param {ImageBitmap} bitmap @param {string} name */
  draw(bitmap, name) {
    if (this.canvas.width !== bitmap.width) this.canvas.width = bitmap.width;
    if (this.canvas.height !== bitmap.height) this.canvas.height = bitmap.height;
    this.canvas.getContext("2d", { alpha: false })?.drawImage(bitmap, 0, 0);
    this.canvas.setAttribute("aria-label", name);
    this.canvas.hidden = false;
    this.status.hidden = true;
  }

  /** Nothing on screen but, perhaps, words. @param {string} [words] @param {boolean} [waiting] */
  blank(words = "", waiting = false) {
    this.canvas.hidden = true;
    this.canvas.width = this.canvas.height = 1;
    this.canvas.removeAttribute("aria-label");
    this.status.hidden = !words;
    this.status.replaceChildren(icon(waiting ? "loader-circle" : "image-off", waiting ? "icon-large icon-turn" : "icon-large"), words);
  }

  /** The point of the image under a point of the viewport, 0 to 1 each, outside too. @param {number} x @param {number} y */
  toImage(x, y) {
    return { x: (x - this.left) / (this.width || 1), y: (y - this.top) / (this.height || 1) };
  }

  /** @param {number} x @param {number} y */
  toScreen(x, y) {
    return { x: this.left + x * (this.width || 1), y: this.top + y * (this.height || 1) };
  }
}
