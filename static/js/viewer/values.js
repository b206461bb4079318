// @ts-check
/** Values of frames, kept in the page: a window that is dragged is drawn here at once, without a word to the site. Knows no view's place. */
import { unfolded } from "@/viewer/steps.js";
import { windowOf } from "@/viewer/view.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */
/** @typedef {Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array} Kept */

const KINDS = { "|u1": Uint8Array, u1: Uint8Array, "<i2": Int16Array, "<i4": Int32Array, "<f4": Float32Array, "<f8": Float64Array };
const MOST_PIXELS = 2 ** 22; // a larger frame costs more to fetch and to draw than the site's picture of it
const KEPT_BYTES = 2 ** 26;

/** The values of one frame, row by row. @param {string} url @param {number} count values it must have @param {AbortSignal} [signal] @returns {Promise<Kept>} rejects with an Error whose message is for people */
export async function fetchValues(url, count, signal) {
  const answer = await fetch(url, { signal, headers: { "X-Values-Form": "steps" } }).catch((error) => {
    if (signal?.aborted) throw error;
    throw new Error(gettext("No connection: an image of the series is missing."));
  });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.message ?? gettext("An image of the series cannot be shown."));
  }
  const kind = KINDS[/** @type {"u1"} */ (answer.headers.get("X-Values") ?? "")];
  const bytes = await answer.arrayBuffer();
  if (!kind || bytes.byteLength !== count * kind.BYTES_PER_ELEMENT) throw new Error(gettext("An image of the series cannot be shown."));
  return answer.headers.get("X-Values-Form") === "steps" ? unfolded(new Uint8Array(bytes)) : new kind(bytes);
}

/** Grey levels under a linear window, as the site draws them (imaging/raster/window.py). @param {Kept} values @param {{center: number, width: number}} window @param {boolean} inverted large ones are dark */
export function grey(values, { center, width }, inverted) {
  const [middle, across] = width > 1 ? [center - 0.5, width - 1] : [center, width];
  const level = (/** @type {number} */ value) => ((value - middle) / across + 0.5) * 255;
  const short = values instanceof Int16Array ? 2 ** 15 : values instanceof Uint8Array ? 0 : null;
  const greys = new Uint8ClampedArray(values.length); // rounds half to even and stops at 0 and 255
  if (short === null) for (let at = 0; at < values.length; at++) greys[at] = level(values[at]);
  else {
    const table = new Uint8ClampedArray(short ? 2 ** 16 : 2 ** 8);
    for (let at = 0; at < table.length; at++) table[at] = level(at - short);
    for (let at = 0; at < values.length; at++) greys[at] = table[values[at] + short];
  }
  if (inverted) for (let at = 0; at < greys.length; at++) greys[at] = 255 - greys[at];
  return greys;
}

export class Values {
  /** @type {Map<string, Kept>} oldest first */ #kept = new Map();
  /** @type {Set<string>} on their way, or in vain */ #asked = new Set();
  #bytes = 0;

  /** Fetches them when there is use for them; `then` is called when they are here. @param {Img} image @param {number} frame @param {() => void} then */
  async want(image, frame, then) {
    const url = urlOf(image, frame);
    if (!image.values || image.width * image.height > MOST_PIXELS || this.#kept.has(url) || this.#asked.has(url)) return;
    this.#asked.add(url);
    try {
      this.#keep(url, await fetchValues(url, image.width * image.height));
      this.#asked.delete(url);
      then();
    } catch (error) {
      console.info("No values to window with; the site's pictures go on.", error);
    }
  }

  /** The frame under the view's own window, null where the site has to draw it. @param {Img} image @param {View} view */
  picture(image, view) {
    const values = view.center === null ? undefined : this.#kept.get(urlOf(image, view.frame));
    const window = windowOf(view, image);
    if (!values || !window) return null;
    const greys = grey(values, window, image.values?.inverted ?? false);
    const picture = new ImageData(image.width, image.height);
    const pixels = new DataView(picture.data.buffer);
    for (let at = 0; at < greys.length; at++) pixels.setUint32(at * 4, greys[at] * 0x01010100 + 0xff);
    return picture;
  }

  /** @param {string} url @param {Kept} values */
  #keep(url, values) {
    this.#kept.set(url, values);
    this.#bytes += values.byteLength;
    for (const [old, other] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES || old === url) break;
      this.#bytes -= other.byteLength;
      this.#kept.delete(old);
    }
  }

  clear() {
    this.#kept.clear();
    this.#asked.clear();
    this.#bytes = 0;
  }
}

/** @param {Img} image @param {number} frame */
function urlOf(image, frame) {
  return `${image.frameUrl}${frame}/values/`;
}
