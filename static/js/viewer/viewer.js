// @ts-check
/** The image viewer: what is looked at, and who draws it. `mount.js` puts it into an element. */
import { element } from "@/base/dom.js";
import { addKeys } from "@/base/shortcuts.js";
import { Acts } from "@/viewer/acts.js";
import { mountCine } from "@/viewer/cine.js";
import { Frames } from "@/viewer/frames.js";
import { Grid } from "@/viewer/grid.js";
import { mountKeyImage } from "@/viewer/keyimage.js";
import { mountPrinting } from "@/viewer/printing.js";
import { keyRows, listenKeys } from "@/viewer/keys.js";
import { mountLayouts } from "@/viewer/layouts.js";
import { mountMpr } from "@/viewer/mpr.js";
import { Shelf } from "@/viewer/shelf.js";
import { alone } from "@/viewer/sight.js";
import { Together } from "@/viewer/together.js";
import { markKeyRows } from "@/viewer/tools/keys.js";
import { Marks } from "@/viewer/tools/marks.js";
import { Toolbar } from "@/viewer/toolbar.js";
import { first, fromWire } from "@/viewer/view.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */
/** @typedef {import("@/viewer/sight.js").Sight} Sight */
/** @typedef {{consultation: number, you: string, send?: (message: any) => void, nameOf?: (username: string) => string, image?: number, frame?: number, lead?: boolean, close?: () => void}} Options */

export class Viewer {
  /** @type {Map<number, View>} how each image was looked at last */ remembered = new Map();
  tool = "window";
  frames = new Frames();

  /** @param {HTMLElement} root @param {Options} options */
  constructor(root, options) {
    this.options = options;
    this.root = root;
    root.classList.add("viewer");
    root.dataset.theme = "dark";
    this.viewport = element("div", { class: "viewport", tabindex: "0", role: "group", "aria-label": gettext("Image") });
    this.acts = new Acts(this);
    this.toolbar = new Toolbar(root, this.acts, options);
    root.append(this.viewport);
    this.shelf = new Shelf(this);
    this.grid = new Grid(this);
    this.marks = new Marks(this);
    this.together = new Together(this.viewport, options.send, this);
    listenKeys(this.viewport, this.acts);
    this.forgetKeys = addKeys(() => ({ title: gettext("In the image"), rows: keyRows() }));
    this.forgetMarkKeys = addKeys(() => ({ title: gettext("Marks"), rows: markKeyRows() }));
    this.cine = mountCine(this);
    this.keyImage = mountKeyImage(this);
    this.printing = mountPrinting(this);
    this.layouts = mountLayouts(this);
    this.mpr = mountMpr(this);
    this.resized = new ResizeObserver(() => {
      this.grid.arrange();
      this.draw();
    });
    this.resized.observe(this.viewport);
    this.news = (/** @type {any} */ event) => {
      if (["image", "missed", undefined].includes(event.detail?.kind)) this.load();
    };
    for (const name of ["news", "images"]) document.body.addEventListener(name, this.news);
    this.pane.stage.blank(gettext("Loading images"), true);
    this.load();
  }

  /** The active pane: tools, keys and buttons are for it. */
  get pane() {
    return this.grid.pane;
  }

  get images() {
    return this.shelf.images;
  }

  /** Of the consultation itself: what the rail has. */
  get series() {
    return this.shelf.series;
  }

  get view() {
    return this.pane.view;
  }

  get image() {
    return this.pane.image;
  }

  /** Fetches the list, keeps what is looked at. */
  async load() {
    if (!(await this.shelf.load())) {
      if (!this.images.length) this.pane.stage.blank(gettext("The images could not be fetched. Reload the page."));
      return;
    }
    this.toolbar.showRail(this.series, this.shelf.own.filter((image) => !image.shown && image.state !== "withdrawn"), this.view?.image ?? 0);
    for (const pane of this.grid.panes) pane.settle();
    if (this.grid.sight) this.draw();
    else this.begin();
    await this.shelf.priors.ask();
    this.shelf.priors.show();
  }

  /** What was asked for, or the first that can be shown. */
  begin() {
    const { image: pk, frame } = this.options;
    const asked = this.shelf.imageOf(pk ?? 0);
    const start = asked?.shown ? asked : asked ? undefined : this.series[0]?.images[0];
    if (start) this.become({ ...first(start), frame: start === asked ? (frame ?? 0) : 0 }, this.options.lead ?? false);
    else this.nothing(asked);
  }

  /** @param {Img | undefined} image */
  nothing(image) {
    this.pane.empty(image?.reason || (image ? gettext("This image cannot be shown yet.") : gettext("No images yet")));
  }

  /** The one place where what is looked at in the active pane changes; only one's own moves are told to the others. @param {View} view @param {boolean} [byHand] */
  become(view, byHand = true) {
    if (!this.grid.look(view, byHand)) return;
    this.draw();
    if (byHand) this.together.moved();
  }

  /** Every pane, and what the buttons say of the active one. */
  draw() {
    const { image, pane, view } = this;
    this.mpr.show();
    this.viewport.dataset.shown = pane.painter.drawn;
    this.toolbar.show(pane.inHand, this.together.following, image, view);
    this.toolbar.mark(image?.pk ?? 0, this.series);
    this.layouts.show();
    this.shelf.priors.show();
    this.keyImage.show();
    this.printing.show();
    this.cine.show();
    this.grid.draw();
    this.together.draw();
    this.marks.show();
  }

  /** A pane shows another picture, or none. @param {import("@/viewer/pane.js").Pane} pane */
  painted(pane) {
    if (pane === this.pane) this.viewport.dataset.shown = pane.painter.drawn;
    pane.surface.draw();
    this.grid.drawLines();
    this.marks.show();
  }

  // What Together asks of the place it looks at.

  /** Another person looks here. `whole`: also their window, zoom and middle. @param {Sight} sight @param {boolean} whole */
  goTo(sight, whole) {
    this.grid.adopt(sight, whole);
    if (this.shelf.mayAskAgain) this.load();
    this.draw();
  }

  /** One image alone, as it was looked at last. @param {number} image @param {number} frame */
  open(image, frame) {
    if (this.shelf.imageOf(image)) this.acts.open(image, frame);
    else this.goTo(alone(fromWire({ image, frame })), true);
  }

  get sight() {
    return this.grid.sight;
  }

  /** A pane that shows this, the active one first. @param {number} image @param {number} frame */
  paneWith(image, frame) {
    return [this.pane, ...this.grid.panes].find((pane) => pane.view?.image === image && pane.view.frame === frame);
  }

  /** @param {string} username */
  nameOf(username) {
    return this.options.nameOf?.(username) ?? username;
  }

  changed() {
    this.draw();
  }

  destroy() {
    this.forgetKeys();
    this.forgetMarkKeys();
    this.marks.destroy();
    this.cine.end();
    this.layouts.end();
    this.mpr.end();
    this.keyImage.end();
    this.shelf.priors.end();
    this.resized.disconnect();
    for (const name of ["news", "images"]) document.body.removeEventListener(name, this.news);
    this.together.destroy();
    this.grid.destroy();
    this.frames.clear();
    this.root.replaceChildren();
  }
}
