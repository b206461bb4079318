// @ts-check
/** Brings the frame that is asked for onto the stage, and never another one under its words. */
import { Frames } from "@/viewer/frames.js";
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

  /** @param {import("@/viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.frames = new Frames();
  }

  /** @param {Img} image @param {View} view @param {import("@/viewer/series.js").Series | undefined} series @param {number} place */
  async paint(image, view, series, place) {
    const url = image.reportUrl || frameUrl(image, view, this.viewer.stage.largest(image, view));
    const wanted = `${image.pk}:${view.frame}`;
    if (this.url === url && this.drawn === wanted) return;
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
      this.viewer.stage.show(shown, `${image.title}, ${place + 1}`);
      this.mark(wanted);
      this.viewer.stage.place(image, this.viewer.view ?? view);
      this.ahead(series, place);
    } catch (error) {
      if (this.url !== url) return;
      this.url = "";
      this.mark("");
      this.viewer.stage.blank(error instanceof Error ? error.message : String(error));
      if (error instanceof Error && error.cause === "line") setTimeout(() => this.viewer.draw(), AGAIN);
    } finally {
      if (this.url === url || !this.url) this.busy = false;
      if (this.again && !this.busy) {
        this.again = false;
        this.viewer.draw();
      }
    }
  }

  /** Never the picture of another image or frame under this one's words. @param {string} wanted */
  blankUntil(wanted) {
    this.mark("");
    this.viewer.stage.blank();
    setTimeout(() => {
      const { view, stage } = this.viewer;
      const still = view && `${view.image}:${view.frame}` === wanted && this.drawn === "" && this.url;
      if (still) stage.blank(gettext("Loading image"), true);
    }, PATIENCE);
  }

  /** @param {string} drawn */
  mark(drawn) {
    this.drawn = drawn;
    this.viewer.viewport.dataset.shown = drawn;
    this.viewer.marks.draw();
  }

  /** @param {import("@/viewer/series.js").Series | undefined} series @param {number} place */
  ahead(series, place) {
    const { view, images, stage } = this.viewer;
    if (!series || !view) return;
    const next = Array.from({ length: AHEAD * 2 }, (_, index) => place + (index % 2 ? -1 : 1) * (Math.floor(index / 2) + 1));
    const urls = next.flatMap((index) => {
      const item = series.stack[index];
      const image = item && images.find((each) => each.pk === item.image);
      return image && !image.reportUrl ? [frameUrl(image, bounded({ ...view, ...item }, image), stage.largest(image, view))] : [];
    });
    this.frames.ahead(urls);
  }
}
