// @ts-check
/** A mark while it is moved: shown at once, given to the store when the hand rests. */
import { caption } from "@/viewer/tools/caption.js";
import { figuresOf, shifted, spacingAt } from "@/viewer/tools/geometry.js";
import { onImage, onScreen } from "@/viewer/transform.js";
import { clamp } from "@/viewer/view.js";

/** @typedef {import("@/viewer/tools/kinds.js").Mark} Mark */

const REST = 700; // after the last key: one change, not one for each key

export class Editing {
  /** @type {Mark | null} */ #draft = null;
  #timer = 0;

  /** @param {import("@/viewer/tools/marks.js").Marks} marks */
  constructor(marks) {
    this.marks = marks;
  }

  /** As it is being changed. @param {Mark} mark @returns {Mark} */
  shown(mark) {
    return mark.uid === this.#draft?.uid ? this.#draft : mark;
  }

  /** @param {number[][]} points before @param {number[]} by in pixels of the image @param {number} grip the point that moves, -1 all */
  moved(points, by, grip) {
    const mark = this.marks.inHand;
    const { image } = this.marks.viewer;
    if (!mark?.mine || !image || !this.marks.store.may) return;
    const within = (/** @type {number[]} */ [x, y]) => [clamp(x + by[0], 0, image.width), clamp(y + by[1], 0, image.height)];
    const now = grip < 0 ? shifted(points, by, image) : points.map((point, index) => (index === grip ? within(point) : point));
    const exact = now.map((point) => point.map((value) => Math.round(value * 100) / 100));
    this.#draft = { ...mark, points: exact, figures: figuresOf(mark.kind, exact, spacingAt(exact, image), image.ecg) };
    this.marks.draw();
  }

  /** By the arrow keys, in the direction of the screen. @param {number} x -1 to 1 @param {number} y @param {number} pixels of the image */
  nudge(x, y, pixels) {
    const { chosen, inHand: mark } = this.marks;
    const { matrix } = this.marks.viewer.pane.stage;
    if (!chosen || !mark) return;
    const [at] = mark.points;
    const screen = onScreen(matrix, { x: at[0], y: at[1] });
    const there = onImage(matrix, { x: screen.x + x, y: screen.y + y });
    const by = [there.x - at[0], there.y - at[1]];
    const long = Math.max(...by.map(Math.abs)) || 1;
    this.moved(mark.points, by.map((part) => (part / long) * pixels), chosen.grip);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.settle(), REST);
  }

  /** What was moved is kept. */
  settle() {
    clearTimeout(this.#timer);
    const draft = this.#draft;
    this.#draft = null;
    if (draft) this.marks.store.put(draft);
  }

  /** The next point of the mark in hand, and after the last the whole again. */
  nextGrip() {
    const { chosen, inHand: mark } = this.marks;
    if (!chosen || !mark?.mine) return;
    const count = mark.kind === "probe" ? 0 : mark.points.length;
    chosen.grip = chosen.grip + 1 >= count ? -1 : chosen.grip + 1;
    this.marks.draw();
  }

  async write() {
    const mark = this.marks.inHand;
    if (!mark?.mine || !this.marks.store.may) return;
    this.settle();
    const { pane } = this.marks.viewer;
    const text = await caption(pane.box, pane.surface.toScreen(mark.points[mark.points.length - 1]), mark.text);
    const now = this.marks.store.marks.get(mark.uid);
    if (now && now.text !== text) this.marks.store.put({ ...now, text });
    pane.focus();
  }

  remove() {
    const mark = this.marks.inHand;
    if (!mark?.mine || !this.marks.store.may) return;
    this.#draft = null;
    this.marks.chosen = null;
    this.marks.store.remove(mark);
  }

  undo() {
    this.settle();
    const back = this.marks.store.undo();
    this.marks.chosen = back ? { uid: back.uid, grip: -1 } : null;
    this.marks.draw();
  }

  /** By the keyboard alone: a mark of a fair size in the middle of what is seen, to be moved from there. @param {string} kind @param {number} count of points */
  place(kind, count) {
    const { surface, viewer } = this.marks;
    if (!surface.mayDraw) return;
    const { clientWidth, clientHeight } = viewer.pane.box;
    const far = Math.min(clientWidth, clientHeight) / 8;
    const around = { 1: [[0, 0]], 2: [[-1, -1], [1, 1]], 3: [[-1, 0], [0, 1], [1, 0]], 4: [[-1, -1], [1, -1], [-1, 1], [1, 1]] }[count] ?? [];
    const points = around.map(([x, y]) => surface.toImage(clientWidth / 2 + x * far, clientHeight / 2 + y * far));
    const mark = surface.made(kind, points, "");
    if (mark) this.marks.add(mark);
  }
}
