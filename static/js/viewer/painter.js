// @ts-check
/** Brings the frame that is asked for onto the stage, and never another one under its words. */
import { Paper } from "@/viewer/report.js";
import { bounded, frameUrl } from "@/viewer/view.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */

const AHEAD = 8;
const PATIENCE = 300;
const AGAIN = 3000;

export class Painter {
  /** image:frame on screen, "" when blank */ drawn = "";
  url = "";
  busy = false;
  again = false;

  /** @param {import("@/viewer/pane.js").Pane} pane */
  constructor(pane) {
    this.pane = pane;
  }

  get frames() {
    return this.pane.viewer.frames;
  }

  /** Nothing is shown, and what is on its way comes too late. */
  stop() {
    this.url = "";
    this.busy = this.again = false;
    this.frames.ahead(this, []);
    this.mark("");
  }

  /** @param {Img} image @param {View} view @param {import("@/viewer/series.js").Series | undefined} series @param {number} place */
  async paint(image, view, series, place) {
    const wanted = `${image.pk}:${view.frame}`;
    if (image.slide) return this.slide(image, wanted, image.slide.tilesUrl, place);
    const url = image.reportUrl || frameUrl(image, view, this.pane.stage.largest(image, view));
    if (this.url === url && this.drawn === wanted) return;
    if (this.here(image, view, wanted, url)) return this.ahead(series, place);
    if (this.busy && this.drawn === wanted) {
      this.again = true; // one at a time while the window is dragged
      return;
    }
    this.url = url;
    this.busy = true;
    if (this.drawn !== wanted && !this.frames.has(url)) this.blankUntil(wanted);
    try {
      const shown = image.reportUrl ? await Paper.fetch(url) : await this.frames.get(url);
      if (this.url !== url) return;
      this.pane.stage.show(shown, `${image.title}, ${place + 1}`);
      this.mark(wanted);
      this.pane.stage.place(image, this.pane.view ?? view);
      this.ahead(series, place);
    } catch (error) {
      if (this.url !== url) return;
      this.url = "";
      this.mark("");
      this.pane.stage.blank(error instanceof Error ? error.message : String(error));
      if (error instanceof Error && error.cause === "line") setTimeout(() => this.pane.draw(), AGAIN);
    } finally {
      if (this.url === url || !this.url) this.busy = false;
      if (this.again && !this.busy) {
        this.again = false;
        this.pane.draw();
      }
    }
  }

  /** A slide is opened once; where it is looked at, the stage says. @param {Img} image @param {string} wanted @param {string} url of its tiles @param {number} place */
  async slide(image, wanted, url, place) {
    if (this.url === url) return;
    this.url = url;
    this.busy = this.again = false;
    this.frames.ahead(this, []);
    this.blankUntil(wanted);
    const failed = (/** @type {any} */ error) => {
      if (this.url !== url) return;
      this.url = "";
      this.mark("");
      this.pane.stage.blank(error.message);
      if (error.cause === "line") setTimeout(() => this.pane.draw(), AGAIN);
    };
    try {
      await this.pane.stage.slides.open(image, failed);
    } catch (error) {
      return failed(error);
    }
    if (this.url !== url) return;
    this.pane.stage.showSlide(image, `${image.title}, ${place + 1}`);
    this.mark(wanted);
  }

  /** Drawn from the values in the page, when it is the window that changes and they are here. @param {Img} image @param {View} view @param {string} wanted @param {string} url */
  here(image, view, wanted, url) {
    const { frames: { values }, pane: { stage } } = this;
    const picture = values.picture(image, view);
    if (!picture && this.drawn === wanted && view.center !== null) values.want(image, view.frame, () => this.pane.draw());
    if (!picture) return false;
    this.url = url;
    this.busy = this.again = false;
    stage.draw(picture, `${image.title}, ${this.pane.here.place + 1}`);
    if (this.drawn !== wanted) this.mark(wanted);
    stage.place(image, this.pane.view ?? view);
    return true;
  }

  /** Never the picture of another image or frame under this one's words. @param {string} wanted */
  blankUntil(wanted) {
    this.mark("");
    this.pane.stage.blank();
    setTimeout(() => {
      const { asked, stage } = this.pane;
      const still = asked === wanted && this.drawn === "" && this.url;
      if (still) stage.wait(gettext("Loading image"));
    }, PATIENCE);
  }

  /** @param {string} drawn */
  mark(drawn) {
    this.drawn = drawn;
    this.pane.box.dataset.shown = drawn;
    this.pane.viewer.painted(this.pane);
  }

  /** @param {import("@/viewer/series.js").Series | undefined} series @param {number} place */
  ahead(series, place) {
    const { view, stage, viewer } = this.pane;
    if (!series || !view) return;
    const next = Array.from({ length: AHEAD * 2 }, (_, index) => place + (index % 2 ? -1 : 1) * (Math.floor(index / 2) + 1));
    const urls = next.flatMap((index) => {
      const item = series.stack[index];
      const image = item && viewer.images.find((each) => each.pk === item.image);
      return image && !image.reportUrl ? [frameUrl(image, bounded({ ...view, ...item }, image), stage.largest(image, view))] : [];
    });
    this.frames.ahead(this, urls);
  }
}
