// @ts-check
/** The image viewer: what is looked at, and who draws it. `mount.js` puts it into an element. */
import { element } from "@/base/dom.js";
import { addKeys } from "@/base/shortcuts.js";
import { Acts } from "@/viewer/acts.js";
import { mountCine } from "@/viewer/cine.js";
import { listen } from "@/viewer/gestures.js";
import { mountKeyImage } from "@/viewer/keyimage.js";
import { keyRows, listenKeys } from "@/viewer/keys.js";
import { Overlay } from "@/viewer/overlay.js";
import { Painter } from "@/viewer/painter.js";
import { fetchImages, placeOf, seriesOf, seriesWith } from "@/viewer/series.js";
import { Stage } from "@/viewer/stage.js";
import { Together } from "@/viewer/together.js";
import { markKeyRows } from "@/viewer/tools/keys.js";
import { Marks } from "@/viewer/tools/marks.js";
import { Toolbar } from "@/viewer/toolbar.js";
import { bounded, first } from "@/viewer/view.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */
/** @typedef {{consultation: number, you: string, send?: (message: any) => void, nameOf?: (username: string) => string, image?: number, frame?: number, lead?: boolean, close?: () => void}} Options */

export class Viewer {
  /** @type {Img[]} */ images = [];
  /** @type {import("@/viewer/series.js").Series[]} */ series = [];
  /** @type {any} */ patient = {};
  /** @type {View | null} */ view = null;
  /** @type {Map<number, View>} how each image was looked at last */ remembered = new Map();
  tool = "window";
  /** @type {View | null} asked for, not in the list yet */ wanted = null;

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
    this.stage = new Stage(this.viewport, (image, frame) => this.acts.open(image, frame));
    this.overlay = new Overlay(this.viewport);
    this.painter = new Painter(this);
    this.marks = new Marks(this);
    this.together = new Together(this.viewport, options.send, this);
    this.endGestures = listen(this.viewport, this.acts, () => this.inHand);
    listenKeys(this.viewport, this.acts);
    this.forgetKeys = addKeys(() => ({ title: gettext("In the image"), rows: keyRows() }));
    this.forgetMarkKeys = addKeys(() => ({ title: gettext("Marks"), rows: markKeyRows() }));
    this.cine = mountCine(this);
    this.keyImage = mountKeyImage(this);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.viewport);
    this.news = (/** @type {any} */ event) => {
      if (["image", "missed", undefined].includes(event.detail?.kind)) this.load();
    };
    for (const name of ["news", "images"]) document.body.addEventListener(name, this.news);
    this.stage.blank(gettext("Loading images"), true);
    this.load();
  }

  get image() {
    return this.images.find((image) => image.pk === this.view?.image);
  }

  /** Photos and colour have no window: there the first tool moves. */
  get inHand() {
    return this.tool === "window" && !this.image?.presets.length ? "pan" : this.tool;
  }

  /** Fetches the list, keeps what is looked at. */
  async load() {
    const found = await fetchImages(this.options.consultation).catch(() => null);
    if (!found) {
      if (!this.images.length) this.stage.blank(gettext("The images could not be fetched. Reload the page."));
      return;
    }
    this.images = found.images;
    this.patient = found.patient;
    this.keyImage.show(found.writes);
    this.series = seriesOf(this.images);
    this.toolbar.showRail(this.series, this.images.filter((image) => !image.shown && image.state !== "withdrawn"), this.view?.image ?? 0);
    if (this.view && !this.image?.shown) this.view = null;
    if (this.wanted) this.goTo(this.wanted, true);
    if (this.view) this.draw();
    else this.begin();
  }

  /** What was asked for, or the first that can be shown. */
  begin() {
    const { image: pk, frame } = this.options;
    const asked = this.images.find((image) => image.pk === pk);
    const start = asked?.shown ? asked : asked ? undefined : this.series[0]?.images[0];
    if (start) this.become({ ...first(start), frame: start === asked ? (frame ?? 0) : 0 }, this.options.lead ?? false);
    else this.nothing(asked);
  }

  /** @param {Img | undefined} image */
  nothing(image) {
    this.overlay.whose(this.patient, undefined);
    this.overlay.empty();
    this.stage.blank(image?.reason || (image ? gettext("This image cannot be shown yet.") : gettext("No images yet")));
  }

  /** The one place where what is looked at changes; only one's own moves are told to the others. @param {View} view @param {boolean} [byHand] */
  become(view, byHand = true) {
    const image = this.images.find((each) => each.pk === view.image);
    if (!image?.shown) return;
    this.view = bounded(view, image);
    this.remembered.set(image.pk, this.view);
    this.draw();
    if (byHand) this.together.moved(this.view);
  }

  draw() {
    const { view, image } = this;
    if (!view || !image) return;
    const series = seriesWith(this.series, image.pk);
    const place = series ? placeOf(series, image.pk, view.frame) : 0;
    this.stage.place(image, view);
    this.overlay.whose(this.patient, image);
    this.overlay.how(image, view, place, series?.stack.length ?? 1, this.stage.scale);
    this.toolbar.show(this.inHand, this.together.following, image.presets.length > 0, view);
    this.toolbar.showPresets(image, view);
    this.toolbar.mark(image.pk, this.series);
    this.together.draw();
    this.marks.draw();
    this.cine.show();
    this.painter.paint(image, view, series, place);
  }

  // What Together asks of the place it looks at.

  /** Another person looks here. `whole`: also their window, zoom and middle. @param {View} view @param {boolean} whole */
  goTo(view, whole) {
    const image = this.images.find((each) => each.pk === view.image);
    if (!image) {
      this.wanted = view;
      this.askAgain();
      return;
    }
    this.wanted = null;
    if (!image.shown) return;
    const known = this.remembered.get(image.pk) ?? first(image);
    this.become(whole ? view : { ...known, image: image.pk, frame: view.frame }, false);
  }

  /** An image that this page does not know yet: fetch the list, not more often than each two seconds. */
  askAgain() {
    if (Date.now() - (this.asked ?? 0) < 2000) return;
    this.asked = Date.now();
    this.load();
  }

  here() {
    return this.view;
  }

  /** @param {number} x @param {number} y */
  toScreen(x, y) {
    return this.stage.toScreen(x, y);
  }

  /** @param {string} username */
  nameOf(username) {
    return this.options.nameOf?.(username) ?? username;
  }

  changed() {
    this.draw();
  }

  destroy() {
    this.endGestures();
    this.forgetKeys();
    this.forgetMarkKeys();
    this.marks.destroy();
    this.cine.end();
    this.keyImage.end();
    this.resized.disconnect();
    for (const name of ["news", "images"]) document.body.removeEventListener(name, this.news);
    this.together.destroy();
    this.painter.frames.clear();
    this.root.replaceChildren();
  }
}
