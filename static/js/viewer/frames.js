// @ts-check
/** Fetches rendered frames, keeps the latest, and says in words why one cannot be shown. Knows no view. */
import { Values } from "@/viewer/values.js";

const KEPT_PIXELS = 48_000_000;
const AHEAD = 3;

export class Frames {
  /** @type {Map<string, ImageBitmap>} oldest first */
  #kept = new Map();
  /** @type {Map<string, Promise<ImageBitmap>>} */
  #running = new Map();
  #pixels = 0;
  /** @type {Map<object, string[]>} what each painter wants next */
  #ahead = new Map();
  #aheadRunning = 0;
  values = new Values();

  /** @param {string} url */
  has(url) {
    return this.#kept.has(url);
  }

  /** @param {string} url @returns {Promise<ImageBitmap>} rejects with an Error whose message is for people */
  get(url) {
    const known = this.#kept.get(url);
    if (known) {
      this.#kept.delete(url);
      this.#kept.set(url, known);
      return Promise.resolve(known);
    }
    const running = this.#running.get(url) ?? this.#fetch(url).finally(() => this.#running.delete(url));
    this.#running.set(url, running);
    return running;
  }

  /** Fetch these next, a few at a time; what was asked for before and not begun is dropped. @param {object} who @param {string[]} urls */
  ahead(who, urls) {
    this.#ahead.delete(who);
    if (urls.length) this.#ahead.set(who, urls);
    this.#pump();
  }

  /** In turn of those who ask. */
  #next() {
    for (const [who, urls] of this.#ahead) {
      const url = urls.shift();
      this.#ahead.delete(who);
      if (urls.length) this.#ahead.set(who, urls);
      if (url && !this.#kept.has(url) && !this.#running.has(url)) return url;
    }
    return "";
  }

  #pump() {
    while (this.#aheadRunning < AHEAD) {
      const url = this.#next();
      if (!url) return;
      this.#aheadRunning++;
      this.get(url)
        .catch(() => {}) // asked for again, and said, when it is to be shown
        .finally(() => {
          this.#aheadRunning--;
          this.#pump();
        });
    }
  }

  /** @param {string} url */
  async #fetch(url) {
    const answer = await fetch(url, { headers: { Accept: "image/*, application/json" } }).catch(() => {
      throw new Error(gettext("No connection. The image will be fetched again."), { cause: "line" });
    });
    if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("image/")) {
      const said = await answer.json().catch(() => ({}));
      throw new Error(said.message ?? gettext("This image cannot be shown."));
    }
    const bitmap = await createImageBitmap(await answer.blob()).catch(() => {
      throw new Error(gettext("This image cannot be shown."));
    });
    this.#keep(url, bitmap);
    return bitmap;
  }

  /** @param {string} url @param {ImageBitmap} bitmap */
  #keep(url, bitmap) {
    this.#kept.set(url, bitmap);
    this.#pixels += bitmap.width * bitmap.height;
    for (const [old, other] of this.#kept) {
      if (this.#pixels <= KEPT_PIXELS || old === url) break;
      this.#pixels -= other.width * other.height;
      this.#kept.delete(old); // not closed: it may be on screen
    }
  }

  clear() {
    this.#ahead.clear();
    this.#kept.clear();
    this.#pixels = 0;
    this.values.clear();
  }
}
