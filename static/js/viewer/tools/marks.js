// @ts-check
/** Marks in the viewer: draws them with the image, takes what the pointer does to them, and gives it to the store. */
import { caption } from "@/viewer/tools/caption.js";
import { Editing } from "@/viewer/tools/editing.js";
import { distance, figuresOf } from "@/viewer/tools/geometry.js";
import { KINDS } from "@/viewer/tools/kinds.js";
import { Layer } from "@/viewer/tools/layer.js";
import { MarkBar } from "@/viewer/tools/bar.js";
import { Panel } from "@/viewer/tools/panel.js";
import { Pen } from "@/viewer/tools/pen.js";
import { Store } from "@/viewer/tools/store.js";
import { listenMarkKeys } from "@/viewer/tools/keys.js";
import { onImage, onScreen } from "@/viewer/transform.js";
import { clamp } from "@/viewer/view.js";

/** @typedef {import("@/viewer/tools/kinds.js").Mark} Mark */

const REACH = { mouse: 8, touch: 22, pen: 12 };
const FAR = 4;

export class Marks {
  /** @type {{uid: string, grip: number} | null} the one in hand; grip -1: the whole */ chosen = null;
  /** @type {Pen | null} */ #pen = null;
  /** @type {{from: number[], points: number[][]} | null} a mark or grip is dragged */ #drag = null;
  #pressed = [0, 0];

  /** @param {import("@/viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.layer = new Layer(viewer.viewport);
    this.store = new Store(viewer.options.consultation, () => this.draw());
    this.editing = new Editing(this);
    this.bar = new MarkBar(viewer.root, viewer.toolbar.bar, this);
    this.panel = new Panel(viewer.root, this);
    listenMarkKeys(viewer.viewport, this);
    this.news = () => this.store.load();
    document.body.addEventListener("annotations", this.news);
    this.store.load();
  }

  /** @returns {Mark[]} of the frame that is on screen; none while it is not */
  get here() {
    const { view, painter } = this.viewer;
    if (!view || painter.drawn !== `${view.image}:${view.frame}`) return [];
    return [...this.store.marks.values()].filter((mark) => mark.image === view.image && mark.frame === view.frame).map((mark) => this.editing.shown(mark));
  }

  /** @returns {Mark | undefined} */
  get inHand() {
    return this.here.find((mark) => mark.uid === this.chosen?.uid);
  }

  /** Not on a report, which is text, nor where nothing is shown. */
  get mayDraw() {
    const { image, painter } = this.viewer;
    return this.store.may && Boolean(image?.width) && painter.drawn !== "";
  }

  draw() {
    const all = [...this.here];
    const draft = this.#pen && this.#drawn(this.#pen);
    if (draft) all.push(draft);
    this.layer.draw(all, (point) => this.#toScreen(point), this.chosen);
    this.bar.show();
    this.panel.show();
  }

  /** @param {Pen} pen @returns {Mark | null} what is being drawn, with what it measures so far */
  #drawn(pen) {
    const { view, image } = this.viewer;
    if (!view || !image || !pen.shown.length) return null;
    const whole = pen.shown.length === pen.count;
    const figures = whole ? figuresOf(pen.kind, pen.shown, image.spacing, image.ecg) : {};
    return { uid: "", rev: 0, image: view.image, frame: view.frame, kind: pen.kind, points: pen.shown, text: "", figures, author: "", side: "draft", mine: false };
  }

  /** @param {number[]} point of the image @returns {number[]} */
  #toScreen([x, y]) {
    const at = onScreen(this.viewer.stage.matrix, { x, y });
    return [at.x, at.y];
  }

  /** @param {number} x @param {number} y of the screen @returns {number[]} of the image, never outside it */
  toImage(x, y) {
    const at = onImage(this.viewer.stage.matrix, { x, y });
    const { width, height } = this.viewer.stage.size;
    return [clamp(at.x, 0, width), clamp(at.y, 0, height)].map((value) => Math.round(value * 100) / 100);
  }

  /** @param {number} x @param {number} y @param {string} by mouse, touch or pen @returns {boolean} whether it is taken */
  press(x, y, by) {
    this.#pressed = [x, y];
    this.editing.settle();
    const kind = KINDS[this.viewer.tool];
    if (!this.#pen && this.#grab(x, y, REACH[/** @type {"mouse"} */ (by)] ?? REACH.mouse)) return true;
    if (!kind || !this.mayDraw) return false;
    this.chosen = null;
    this.#pen ??= new Pen(this.viewer.tool, kind.points);
    this.#pen.press(this.toImage(x, y));
    this.draw();
    return true;
  }

  /** A grip of the chosen, else the nearest mark. @param {number} x @param {number} y @param {number} reach */
  #grab(x, y, reach) {
    const at = [x, y];
    const held = this.inHand;
    const screen = (/** @type {Mark} */ mark) => mark.points.map((point) => this.#toScreen(point));
    const grip = held?.mine ? screen(held).findIndex((point) => Math.hypot(point[0] - x, point[1] - y) <= reach) : -1;
    const near = this.here.map((mark) => ({ mark, gap: distance(mark.kind, screen(mark), at) })).filter(({ gap }) => gap <= reach);
    const found = grip >= 0 ? held : near.sort((one, other) => one.gap - other.gap)[0]?.mark;
    const was = this.chosen;
    this.chosen = found ? { uid: found.uid, grip } : null;
    if (found?.mine) this.#drag = { from: this.toImage(x, y), points: found.points };
    if (found || was) this.draw();
    return found !== undefined;
  }

  /** @param {number} x @param {number} y */
  slide(x, y) {
    const far = Math.hypot(x - this.#pressed[0], y - this.#pressed[1]) > FAR;
    if (this.#pen) {
      this.#pen.slide(this.toImage(x, y), far);
      this.draw();
    } else if (this.#drag && this.chosen && far) {
      const [u, v] = this.toImage(x, y);
      this.editing.moved(this.#drag.points, [u - this.#drag.from[0], v - this.#drag.from[1]], this.chosen.grip);
    }
  }

  /** @param {number} x @param {number} y */
  lift(x, y) {
    this.#drag = null;
    this.editing.settle();
    if (!this.#pen) return;
    this.#pen.lift(this.toImage(x, y));
    if (this.#pen.isWhole) this.#finish(this.#pen);
    this.draw();
  }

  /** @param {Pen} pen */
  async #finish({ kind, points }) {
    this.#pen = null;
    const { view, image } = this.viewer;
    if (!view || !image) return;
    const long = Math.max(...points.map((point) => Math.hypot(point[0] - points[0][0], point[1] - points[0][1])));
    if (kind !== "probe" && long < 0.5) return; // a slip, no mark
    const { image: pk, frame } = view;
    const text = kind === "arrow" ? await caption(this.viewer.viewport, this.#toScreen(points[1]), "") : "";
    const figures = figuresOf(kind, points, image.spacing, image.ecg);
    this.add({ uid: crypto.randomUUID(), rev: 0, image: pk, frame, kind, points, text, figures, author: "", side: "draft", mine: true });
  }

  /** @param {Mark} mark */
  add(mark) {
    this.chosen = { uid: mark.uid, grip: -1 };
    this.store.put(mark);
    this.viewer.viewport.focus({ preventScroll: true });
  }

  /** A mark that was begun is given up; else what is chosen is let go. @returns {boolean} whether there was one */
  drop() {
    const was = this.#pen ?? this.chosen;
    this.#pen = this.#drag = null;
    this.editing.settle();
    this.chosen = null;
    if (was) this.draw();
    return Boolean(was);
  }

  get isDrawing() {
    return this.#pen !== null;
  }

  /** @param {Mark} mark look there, and take it in hand */
  goTo(mark) {
    this.drop();
    this.viewer.acts.open(mark.image, mark.frame);
    this.chosen = { uid: mark.uid, grip: -1 };
    this.draw();
    this.viewer.viewport.focus({ preventScroll: true });
  }

  destroy() {
    document.body.removeEventListener("annotations", this.news);
    this.editing.settle();
    this.store.end();
    this.layer.remove();
  }
}
