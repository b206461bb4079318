// @ts-check
/** The marks of one pane: draws them with its image, and takes what the pointer does to them. */
import { caption } from "@/viewer/tools/caption.js";
import { distance, figuresOf, spacingAt } from "@/viewer/tools/geometry.js";
import { KINDS } from "@/viewer/tools/kinds.js";
import { Layer } from "@/viewer/tools/layer.js";
import { Pen } from "@/viewer/tools/pen.js";
import { onImage, onScreen } from "@/viewer/transform.js";
import { clamp } from "@/viewer/view.js";

/** @typedef {import("@/viewer/tools/kinds.js").Mark} Mark */

const REACH = { mouse: 8, touch: 22, pen: 12 };
const FAR = 4;

export class Surface {
  /** @type {Pen | null} */ #pen = null;
  /** @type {{from: number[], points: number[][]} | null} a mark or grip is dragged */ #drag = null;
  #pressed = [0, 0];

  /** @param {import("@/viewer/pane.js").Pane} pane */
  constructor(pane) {
    this.pane = pane;
    this.layer = new Layer(pane.box);
  }

  /** Those of the whole viewer. */
  get all() {
    return this.pane.viewer.marks;
  }

  get store() {
    return this.all.storeOf(this.pane.image);
  }

  /** @returns {Mark[]} of the frame that is on screen; none while it is not */
  get here() {
    const { view, painter, asked } = this.pane;
    if (!view || painter.drawn !== asked) return [];
    return [...this.store.marks.values()].filter((mark) => mark.image === view.image && mark.frame === view.frame).map((mark) => this.all.editing.shown(mark));
  }

  /** Not on a report, which is text, nor where nothing is shown. */
  get mayDraw() {
    const { image, painter } = this.pane;
    return this.store.may && Boolean(image?.width) && painter.drawn !== "";
  }

  draw() {
    const all = [...this.here];
    const draft = this.#pen && this.#drawn(this.#pen);
    if (draft) all.push(draft);
    this.layer.draw(all, (point) => this.toScreen(point), this.all.chosen);
  }

  /** @param {Pen} pen @returns {Mark | null} what is being drawn, with what it measures so far */
  #drawn(pen) {
    if (!pen.shown.length) return null;
    return this.made(pen.kind, pen.shown, "", pen.shown.length === pen.count);
  }

  /** A mark of this frame, not kept by the site yet. @param {string} kind @param {number[][]} points @param {string} text @param {boolean} whole it can be measured @returns {Mark | null} */
  made(kind, points, text, whole = true) {
    const { view, image } = this.pane;
    if (!view || !image) return null;
    const figures = whole ? figuresOf(kind, points, spacingAt(points, image), image.ecg) : {};
    return { uid: "", rev: 0, image: view.image, frame: view.frame, kind, points, text, figures, author: "", side: "draft", mine: false };
  }

  /** @param {number[]} point of the image @returns {number[]} */
  toScreen([x, y]) {
    const at = onScreen(this.pane.stage.matrix, { x, y });
    return [at.x, at.y];
  }

  /** @param {number} x @param {number} y of the screen @returns {number[]} of the image, never outside it */
  toImage(x, y) {
    const at = onImage(this.pane.stage.matrix, { x, y });
    const { width, height } = this.pane.stage.size;
    return [clamp(at.x, 0, width), clamp(at.y, 0, height)].map((value) => Math.round(value * 100) / 100);
  }

  /** @param {number} x @param {number} y @param {string} by mouse, touch or pen @returns {boolean} whether it is taken */
  press(x, y, by) {
    this.#pressed = [x, y];
    this.all.editing.settle();
    const { tool } = this.pane.viewer;
    const kind = KINDS[tool];
    if (!this.#pen && this.#grab(x, y, REACH[/** @type {"mouse"} */ (by)] ?? REACH.mouse)) return true;
    if (!kind || !this.mayDraw) return false;
    this.all.chosen = null;
    this.#pen ??= new Pen(tool, kind.points);
    this.#pen.press(this.toImage(x, y));
    this.all.draw();
    return true;
  }

  /** A grip of the chosen, else the nearest mark. @param {number} x @param {number} y @param {number} reach */
  #grab(x, y, reach) {
    const at = [x, y];
    const held = this.all.inHand;
    const screen = (/** @type {Mark} */ mark) => mark.points.map((point) => this.toScreen(point));
    const grip = held?.mine ? screen(held).findIndex((point) => Math.hypot(point[0] - x, point[1] - y) <= reach) : -1;
    const near = this.here.map((mark) => ({ mark, gap: distance(mark.kind, screen(mark), at) })).filter(({ gap }) => gap <= reach);
    const found = grip >= 0 ? held : near.sort((one, other) => one.gap - other.gap)[0]?.mark;
    const was = this.all.chosen;
    this.all.chosen = found ? { uid: found.uid, grip } : null;
    if (found?.mine) this.#drag = { from: this.toImage(x, y), points: found.points };
    if (found || was) this.all.draw();
    return found !== undefined;
  }

  /** @param {number} x @param {number} y */
  slide(x, y) {
    const far = Math.hypot(x - this.#pressed[0], y - this.#pressed[1]) > FAR;
    if (this.#pen) {
      this.#pen.slide(this.toImage(x, y), far);
      this.draw();
    } else if (this.#drag && this.all.chosen && far) {
      const [u, v] = this.toImage(x, y);
      this.all.editing.moved(this.#drag.points, [u - this.#drag.from[0], v - this.#drag.from[1]], this.all.chosen.grip);
    }
  }

  /** @param {number} x @param {number} y */
  lift(x, y) {
    this.#drag = null;
    this.all.editing.settle();
    if (!this.#pen) return;
    this.#pen.lift(this.toImage(x, y));
    if (this.#pen.isWhole) this.#finish(this.#pen);
    this.all.draw();
  }

  /** @param {Pen} pen */
  async #finish({ kind, points }) {
    this.#pen = null;
    const mark = this.made(kind, points, "");
    const long = Math.max(...points.map((point) => Math.hypot(point[0] - points[0][0], point[1] - points[0][1])));
    if (!mark || (kind !== "probe" && long < 0.5)) return; // a slip, no mark
    if (kind === "arrow") mark.text = await caption(this.pane.box, this.toScreen(points[1]), "");
    this.all.add(mark);
  }

  /** What was begun is given up. @returns {boolean} whether there was something */
  drop() {
    const was = this.#pen !== null;
    this.#pen = this.#drag = null;
    return was;
  }

  get isDrawing() {
    return this.#pen !== null;
  }
}
