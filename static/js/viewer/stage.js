// @ts-check
/** The surface an image is drawn on: placing, scaling, blank with a reason when there is nothing right to show. */
import { element, icon } from "@/base/dom.js";
import { Paper } from "@/viewer/report.js";
import { Slides } from "@/viewer/slides.js";
import { fitting, onImage, onScreen, placing } from "@/viewer/transform.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */

const STEPS = [1024, 2048];

export class Stage {
  /** @param {HTMLElement} box @param {(image: number, frame: number) => void} open a picture that a report names
   * @param {(x: number, y: number) => void} look at a point of a slide */
  constructor(box, open, look) {
    this.box = box;
    this.slides = new Slides(box, look);
    this.paper = new Paper(box, open);
    this.canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { role: "img" }));
    Object.assign(this.canvas.style, { width: "auto", height: "auto", inset: "0 auto auto 0" });
    this.status = element("div", { class: "viewport-state", role: "status" });
    this.status.hidden = true;
    box.append(this.canvas, this.status);
    this.scale = 1;
    /** @type {import("@/viewer/transform.js").Matrix} */
    this.matrix = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };
    this.size = { width: 1, height: 1 };
    this.blank();
  }

  /** Height of a pixel for its width: not every detector has square ones. @param {Img} image */
  static stretch(image) {
    const { row = 1, column = 1 } = image.spacing ?? {};
    return Math.min(Math.max(row / column, 0.1), 10);
  }

  get #room() {
    return { width: this.box.clientWidth, height: this.box.clientHeight };
  }

  /** Screen pixels for one column of the image when it just fits. @param {Img} image @param {View} view */
  fit(image, view) {
    return image.width ? fitting(image, Stage.stretch(image), view.turn, this.#room) : 1; // a report has no size
  }

  /** Largest side worth fetching, 0 for full size. @param {Img} image @param {View} view */
  largest(image, view) {
    const side = Math.max(image.width, image.height);
    const needed = side * this.fit(image, view) * view.zoom * devicePixelRatio;
    return STEPS.find((step) => step >= needed && step < side) ?? 0;
  }

  /** @param {Img} image @param {View} view */
  place(image, view) {
    this.scale = this.fit(image, view) * view.zoom;
    if (!image.width) return; // a report
    this.size = { width: image.width, height: image.height };
    this.matrix = placing(image, Stage.stretch(image), view, this.#room);
    if (image.slide) return this.slides.place(image, view, Stage.stretch(image), this.scale, this.#room);
    const { a, b, c, d, e, f } = this.matrix;
    const across = image.width / (this.canvas.width || 1); // the picture may be smaller than the image
    const down = image.height / (this.canvas.height || 1);
    this.canvas.style.transform = `matrix(${a * across}, ${b * across}, ${c * down}, ${d * down}, ${e}, ${f})`;
    this.canvas.style.imageRendering = this.scale * across >= 4 ? "pixelated" : "auto";
    this.canvas.style.filter = view.invert ? "invert(1)" : "";
  }

  /** @param {ImageBitmap | Node[]} what a picture, or the words of a report @param {string} name */
  show(what, name) {
    if (what instanceof ImageBitmap) return this.draw(what, name);
    this.blank();
    this.paper.show(what);
  }

  /** @param {ImageBitmap | ImageData} bitmap @param {string} name */
  draw(bitmap, name) {
    this.paper.hide();
    this.slides.close();
    if (this.canvas.width !== bitmap.width) this.canvas.width = bitmap.width;
    if (this.canvas.height !== bitmap.height) this.canvas.height = bitmap.height;
    const surface = this.canvas.getContext("2d", { alpha: false });
    if (bitmap instanceof ImageData) surface?.putImageData(bitmap, 0, 0);
    else surface?.drawImage(bitmap, 0, 0);
    this.canvas.setAttribute("aria-label", name);
    this.canvas.hidden = false;
    this.status.hidden = true;
  }

  /** The tiles that were opened. @param {Img} image @param {string} name */
  showSlide(image, name) {
    this.slides.show(image);
    this.box.setAttribute("data-slide", name);
    this.status.hidden = true;
  }

  /** What is seen of a slide, `left,top,width,height` in its pixels; empty for other images. @param {Img} image */
  region(image) {
    if (!image.slide) return "";
    const ends = [this.toImage(0, 0), this.toImage(this.#room.width, this.#room.height)];
    const within = (/** @type {number} */ part, /** @type {number} */ size) => Math.round(Math.min(Math.max(part, 0), 1) * size);
    const [left, right] = ends.map(({ x }) => within(x, image.width)).sort((one, other) => one - other);
    const [top, bottom] = ends.map(({ y }) => within(y, image.height)).sort((one, other) => one - other);
    return right > left && bottom > top ? [left, top, right - left, bottom - top].join() : "";
  }

  /** Nothing on screen but, perhaps, words. @param {string} [words] @param {boolean} [waiting] @param {string} [picture] an icon */
  blank(words = "", waiting = false, picture = "image-off") {
    this.paper.hide();
    this.slides.close();
    this.canvas.hidden = true;
    this.canvas.width = this.canvas.height = 1;
    this.canvas.removeAttribute("aria-label");
    this.wait(words, waiting, picture);
  }

  /** Words over what is being opened. @param {string} words @param {boolean} [waiting] @param {string} [picture] */
  wait(words, waiting = true, picture = "image-off") {
    this.status.hidden = !words;
    this.status.replaceChildren(icon(waiting ? "loader-circle" : picture, waiting ? "icon-large icon-turn" : "icon-large"), words);
  }

  /** The point of the image under a point of the viewport, 0 to 1 each, outside too. @param {number} x @param {number} y */
  toImage(x, y) {
    const point = onImage(this.matrix, { x, y });
    return { x: point.x / this.size.width, y: point.y / this.size.height };
  }

  /** @param {number} x @param {number} y */
  toScreen(x, y) {
    return onScreen(this.matrix, { x: x * this.size.width, y: y * this.size.height });
  }
}
