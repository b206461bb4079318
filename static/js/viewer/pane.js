// @ts-check
/** One place for an image: its surface, its words, its marks, and how it is looked at. Knows nothing of the other panes. */
import { element } from "@/base/dom.js";
import { listen } from "@/viewer/gestures.js";
import { Lines } from "@/viewer/lines.js";
import { Overlay } from "@/viewer/overlay.js";
import { Painter } from "@/viewer/painter.js";
import { placeOf, seriesWith } from "@/viewer/series.js";
import { Stage } from "@/viewer/stage.js";
import { Surface } from "@/viewer/tools/surface.js";
import { bounded } from "@/viewer/view.js";

/** @typedef {import("@/viewer/view.js").View} View */

export class Pane {
  /** @type {View | null} */ view = null;
  /** @type {View | null} asked for, not in the list yet */ wanted = null;

  /** @param {import("@/viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.box = element("div", { class: "pane", role: "group" });
    viewer.viewport.append(this.box);
    this.stage = new Stage(this.box, (image, frame) => {
      this.take();
      viewer.acts.open(image, frame);
    }, (x, y) => {
      this.take();
      viewer.acts.look(x, y);
    });
    this.overlay = new Overlay(this.box);
    this.painter = new Painter(this);
    this.lines = new Lines(this.box);
    this.surface = new Surface(this);
    this.endGestures = listen(this.box, viewer.acts, this);
  }

  get image() {
    return this.viewer.shelf.imageOf(this.view?.image ?? 0);
  }

  /** image:frame asked for, "" without one. */
  get asked() {
    return this.view ? `${this.view.image}:${this.view.frame}` : "";
  }

  /** The series it scrolls through, and where in it. */
  get here() {
    const series = this.view ? seriesWith(this.viewer.shelf.stacks, this.view.image) : undefined;
    return { series, place: series && this.view ? placeOf(series, this.view.image, this.view.frame) : 0 };
  }

  /** Photos and colour have no window: there the first tool moves. */
  get inHand() {
    const { tool } = this.viewer;
    return tool === "window" && !this.image?.presets.length ? "pan" : tool;
  }

  /** A slide has nothing to scroll through: there the wheel zooms. */
  get wheelZooms() {
    return Boolean(this.image?.slide);
  }

  /** @param {View} view @returns {boolean} whether there is such an image to show */
  look(view) {
    const image = this.viewer.shelf.imageOf(view.image);
    if (!image?.shown) return false;
    this.wanted = null;
    this.view = bounded(view, image);
    this.viewer.remembered.set(image.pk, { ...this.view, mpr: null });
    return true;
  }

  /** Another person looks at this. What is not here yet is waited for, and nothing else shown meanwhile. @param {View | null} view */
  adopt(view) {
    if (!view) return this.empty();
    if (this.look(view)) return;
    const image = this.viewer.shelf.imageOf(view.image);
    this.view = null;
    this.wanted = view;
    this.painter.stop();
    this.overlay.whose(this.viewer.shelf.patient, undefined);
    this.overlay.empty();
    this.stage.blank(image ? image.reason || gettext("This image cannot be shown yet.") : gettext("Loading image"), !image);
  }

  /** After the list was fetched: what was waited for may be here, and what was here may be gone. */
  settle() {
    const { wanted } = this;
    if (wanted && !this.look(wanted)) {
      const image = this.viewer.shelf.imageOf(wanted.image);
      this.stage.blank(image ? image.reason || gettext("This image cannot be shown yet.") : gettext("This image is not here, or you may not see it."));
    }
    if (this.view && !this.image?.shown) this.empty(gettext("This image was removed."));
  }

  /** @param {string} [reason] why there is nothing, when there was something */
  empty(reason = "") {
    this.view = this.wanted = null;
    this.painter.stop();
    this.overlay.whose(this.viewer.shelf.patient, undefined);
    this.overlay.empty();
    this.stage.blank(reason || gettext("Empty. Choose a series, or drop one here."), false, reason ? "image-off" : "image-plus");
    this.surface.draw();
  }

  draw() {
    const { view, image } = this;
    if (!view || !image || this.viewer.mpr.isOpen) return;
    const { series, place } = this.here;
    this.stage.place(image, view);
    this.#say(image);
    this.overlay.how(image, view, place, series?.stack.length ?? 1, this.stage.scale);
    this.surface.draw();
    this.painter.paint(image, view, series, place);
  }

  /** Whose it is, whether it is an earlier one, and whether the others can see it. @param {import("@/viewer/view.js").Img} image */
  #say(image) {
    const { shelf, options } = this.viewer;
    const hidden = options.send ? shelf.priors.hiddenFrom(image) : [];
    this.overlay.whose(shelf.patientOf(image), image);
    this.overlay.remark(shelf.isPrior(image) ? interpolate(gettext("Prior of %(day)s"), { day: image.day }, true) : "", hidden.length ? interpolate(gettext("Not seen by: %(names)s"), { names: hidden.join(", ") }, true) : "");
  }

  // What the pointer does here.

  /** Tools and keys are for this pane from now on. */
  take() {
    this.viewer.grid.activate(this);
  }

  focus() {
    const { viewer } = this;
    (viewer.grid.panes.length > 1 ? this.box : viewer.viewport).focus({ preventScroll: true });
  }

  /** @param {number} x @param {number} y @param {boolean} inside */
  hover(x, y, inside) {
    const { view, stage, surface } = this;
    if (!view || this.image?.reportUrl) return;
    if (surface.isDrawing && inside) surface.slide(x, y);
    const point = stage.toImage(x, y);
    const on = inside && point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1;
    this.viewer.together.point(view.image, view.frame, point.x, point.y, on);
  }

  destroy() {
    this.endGestures();
    this.stage.slides.close();
    this.view = this.wanted = null;
    this.painter.stop();
    this.box.remove();
  }
}
