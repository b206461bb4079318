// @ts-check
/** Paints a whole slide from its tiles with OpenSeadragon: told where to look, it shows that, and never moves by itself. */
import OpenSeadragon from "@vendor/openseadragon.js";
import { element } from "@/base/dom.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */
/** @typedef {{width: number, height: number}} Size */

const AGAIN = 800; // ms before a tile that did not come is asked for once more
const SHARP = 4; // screen pixels for one of the slide from which on pixels are shown as squares
const STILL = {
  drawer: "canvas", showNavigationControl: false, mouseNavEnabled: false, animationTime: 0, blendTime: 0, immediateRender: true, autoResize: false,
  visibilityRatio: 0, minZoomLevel: 1e-9, maxZoomLevel: 1e9, minZoomImageRatio: 1e-9, maxZoomPixelRatio: 1e9, minPixelRatio: 0.6, imageLoaderLimit: 6, maxImageCacheCount: 160,
  placeholderFillStyle: null, preserveImageSizeOnResize: false, silenceMultiImageWarnings: true,
};

export class Tiles {
  /** @type {() => void} */ #aim = () => {};
  #size = "";
  #isOver = false;
  /** @type {Error | null} */ #error = null;

  /** @param {HTMLElement} box of the pane @param {Img} image @param {{drawn: () => void, failed: (error: Error) => void}} tell */
  constructor(box, image, tell) {
    this.image = image;
    this.box = element("div", { class: "slide-tiles", inert: "", "data-tiles": String(image.pk) });
    box.prepend(this.box);
    this.viewer = OpenSeadragon({ element: this.box, tileSources: [sourceOf(image, (error) => (this.#error = error))], ...STILL });
    this.viewer.addHandler("open", () => {
      this.#aim();
      this.viewer.world.getItemAt(0).addHandler("fully-loaded-change", (/** @type {any} */ event) => (this.box.dataset.whole = String(event.fullyLoaded)));
    });
    this.viewer.addHandler("resize", () => this.#aim());
    this.viewer.addOnceHandler("tile-drawn", () => this.#tell(() => tell.drawn()));
    this.viewer.addHandler("tile-load-failed", () => this.#tell(() => tell.failed(this.#error ?? lineLost())));
  }

  /** Not from within what OpenSeadragon is doing. @param {() => void} what */
  #tell(what) {
    queueMicrotask(() => this.#isOver || what());
  }

  /** The box lies as the image does before it is mirrored, stretched and turned: so OpenSeadragon needs to know of none of it.
   * @param {View} view @param {number} stretch height of a pixel for its width @param {number} scale screen pixels for one column @param {Size} room */
  place(view, stretch, scale, room) {
    const isOnSide = view.turn % 2 === 1;
    const width = isOnSide ? room.height : room.width;
    const height = (isOnSide ? room.width : room.height) / stretch;
    Object.assign(this.box.style, {
      left: `${(room.width - width) / 2}px`, top: `${(room.height - height) / 2}px`, width: `${width}px`, height: `${height}px`,
      transform: `rotate(${view.turn * 90}deg) scale(${view.flip ? -1 : 1}, ${stretch})`, filter: view.invert ? "invert(1)" : "",
    });
    const size = `${width} ${height}`;
    if (size !== this.#size) this.viewer.forceResize();
    this.#size = size;
    this.#aim = () => {
      const { viewport, drawer } = this.viewer;
      if (!viewport || this.#isOver || !width || !height) return;
      drawer?.setImageSmoothingEnabled(scale * devicePixelRatio < SHARP);
      viewport.zoomTo((this.image.width * scale) / width, null, true);
      viewport.panTo(new OpenSeadragon.Point(view.x, (view.y * this.image.height) / this.image.width), true);
    };
    this.#aim();
  }

  /** @param {boolean} isShown */
  show(isShown) {
    this.box.style.visibility = isShown ? "" : "hidden";
  }

  destroy() {
    this.#isOver = true;
    this.viewer.destroy();
    this.box.remove();
  }
}

/** Level 0 of OpenSeadragon is the smallest, that of the site the slide itself. @param {Img} image @param {(error: Error) => void} failed */
function sourceOf({ width, height, slide }, failed) {
  const { tile, tilesUrl } = /** @type {NonNullable<Img["slide"]>} */ (slide);
  const most = Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / tile)));
  const source = new OpenSeadragon.TileSource({ width, height, tileSize: tile, tileOverlap: 0, minLevel: 0, maxLevel: most });
  source.getTileUrl = (/** @type {number} */ level, /** @type {number} */ x, /** @type {number} */ y) => `${tilesUrl}${most - level}/${x}/${y}/`;
  source.downloadTileStart = async (/** @type {any} */ job) => {
    const end = (job.userData.end = new AbortController());
    try {
      job.finish(await fetched(job.src, end.signal));
    } catch (error) {
      if (end.signal.aborted) return;
      failed(error instanceof Error ? error : new Error(String(error)));
      job.finish(null, null, String(error));
    }
  };
  source.downloadTileAbort = (/** @type {any} */ job) => job.userData.end?.abort();
  return source;
}

/** @param {string} url @param {AbortSignal} signal @returns {Promise<ImageBitmap>} rejects with an Error whose message is for people */
async function fetched(url, signal) {
  const ask = () => fetch(url, { signal, headers: { Accept: "image/jpeg, application/json" } });
  const answer = await ask().catch(async () => {
    await new Promise((go) => setTimeout(go, AGAIN));
    return ask().catch(() => {
      throw lineLost();
    });
  });
  if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("image/")) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.message ?? gettext("This image cannot be shown."));
  }
  return createImageBitmap(await answer.blob()).catch(() => {
    throw new Error(gettext("This image cannot be shown."));
  });
}

function lineLost() {
  return new Error(gettext("No connection. The image will be fetched again."), { cause: "line" });
}
