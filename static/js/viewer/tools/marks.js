// @ts-check
/** Marks in the viewer: what is kept, the one in hand, and the tools around them. Each pane draws its own (`surface.js`). */
import { Editing } from "@/viewer/tools/editing.js";
import { MarkBar } from "@/viewer/tools/bar.js";
import { Panel } from "@/viewer/tools/panel.js";
import { Store } from "@/viewer/tools/store.js";
import { listenMarkKeys } from "@/viewer/tools/keys.js";

/** @typedef {import("@/viewer/tools/kinds.js").Mark} Mark */

export class Marks {
  /** @type {Map<number, Store>} by consultation */ #stores = new Map();
  /** @type {{uid: string, grip: number} | null} the one in hand; grip -1: the whole */ chosen = null;

  /** @param {import("@/viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.editing = new Editing(this);
    this.bar = new MarkBar(viewer.root, viewer.toolbar.bar, this);
    this.panel = new Panel(viewer.root, this);
    listenMarkKeys(viewer.viewport, this);
    this.news = (/** @type {any} */ event) => this.#stores.forEach((store) => store.hear(event.detail ?? {}));
    document.body.addEventListener("annotations", this.news);
  }

  /** Those of the image's own consultation. @param {import("@/viewer/view.js").Img | undefined} image */
  storeOf(image) {
    const consultation = image?.consultation ?? this.viewer.options.consultation;
    const known = this.#stores.get(consultation);
    if (known) return known;
    const store = new Store(consultation, this.viewer.options.you, () => this.draw());
    this.#stores.set(consultation, store);
    store.load();
    return store;
  }

  /** Of what the active pane shows. */
  get store() {
    return this.storeOf(this.viewer.image);
  }

  /** Of the active pane. */
  get surface() {
    return this.viewer.pane.surface;
  }

  get here() {
    return this.surface.here;
  }

  /** @returns {Mark | undefined} */
  get inHand() {
    return this.here.find((mark) => mark.uid === this.chosen?.uid);
  }

  draw() {
    for (const { surface } of this.viewer.grid.panes) surface.draw();
    this.show();
  }

  /** Buttons and list. */
  show() {
    this.bar.show();
    this.panel.show();
  }

  /** @param {Mark} mark */
  add(mark) {
    const uid = crypto.randomUUID();
    this.chosen = { uid, grip: -1 };
    this.store.put({ ...mark, uid, mine: true });
    this.viewer.pane.focus();
  }

  /** A mark that was begun is given up; else what is chosen is let go. @returns {boolean} whether there was one */
  drop() {
    const was = this.surface.drop() || this.chosen !== null;
    this.editing.settle();
    this.chosen = null;
    if (was) this.draw();
    return was;
  }

  /** @param {Mark} mark look there, and take it in hand */
  goTo(mark) {
    this.drop();
    this.viewer.acts.open(mark.image, mark.frame);
    this.chosen = { uid: mark.uid, grip: -1 };
    this.draw();
    this.viewer.pane.focus();
  }

  destroy() {
    document.body.removeEventListener("annotations", this.news);
    this.editing.settle();
    this.#stores.forEach((store) => store.end());
  }
}
