// @ts-check
/** Tells the relay how high each picture is on the screen: a small one comes small, and what nobody sees is not sent. */

const SETTLE = 200; // ms without a change before it is told
const SAME = 0.1; // a change of height by less is not worth telling

export class Shown {
  /** @type {WeakMap<MediaStreamTrack, string>} track ids of what is received */
  #ids = new WeakMap();
  /** @type {Record<string, number>} */
  #told = {};
  /** @type {Map<Element, boolean>} whether it is in view; absent until the browser has said */
  #inView = new Map();
  #timer = 0;
  #root;
  #call;
  #sizes = new ResizeObserver(() => this.#later());
  #places = new IntersectionObserver((entries) => this.#seen(entries));

  /** @param {HTMLElement} root where the pictures are @param {import("@/room/call.js").Call} call */
  constructor(root, call) {
    this.#root = root;
    this.#call = call;
    call.addEventListener("shown", (event) => {
      const { track, media } = /** @type {CustomEvent} */ (event).detail;
      this.#ids.set(media, track.id);
      this.#later();
    });
    call.addEventListener("joined", () => {
      this.#told = {};
      this.#later();
    });
    new MutationObserver(() => this.#later()).observe(root, { childList: true, subtree: true });
    document.addEventListener("visibilitychange", () => this.#later());
  }

  /** Nothing is asked for: that nothing comes is no fault of the line. */
  get isBlank() {
    const heights = Object.values(this.#told);
    return heights.length > 0 && heights.every((height) => height === 0);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #seen(entries) {
    for (const { target, isIntersecting } of entries) this.#inView.set(target, isIntersecting);
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#tell(), SETTLE);
  }

  #tell() {
    const videos = [...this.#root.querySelectorAll("video")];
    for (const known of this.#inView.keys()) if (!known.isConnected) this.#inView.delete(known);
    const fresh = videos.filter((video) => !this.#inView.has(video));
    for (const video of fresh) for (const observer of [this.#sizes, this.#places]) observer.observe(video);
    if (fresh.length) return; // the observers call
    const heights = this.#measure(videos);
    const ids = Object.keys(heights);
    const same = ids.length === Object.keys(this.#told).length && ids.every((id) => isSame(this.#told[id], heights[id]));
    if (same || !this.#call.joined) return;
    if (this.#call.signal.send({ t: "show", heights })) this.#told = heights;
  }

  /** @param {HTMLVideoElement[]} videos */
  #measure(videos) {
    const heights = /** @type {Record<string, number>} */ ({});
    for (const { id } of this.#call.subscriber.pictures()) heights[id] = 0;
    for (const video of videos) {
      const media = /** @type {MediaStream | null} */ (video.srcObject)?.getVideoTracks()[0];
      const shown = media && this.#ids.get(media);
      // What is about to be shown here has to come before it can be.
      const id = shown && (this.#call.handover.successor(shown) ?? shown);
      if (id && id in heights) heights[id] = Math.max(heights[id], this.#height(video));
    }
    return heights;
  }

  /** Device pixels of the picture itself, with what is cut off, without bars. @param {HTMLVideoElement} video */
  #height(video) {
    if (document.visibilityState !== "visible" || !this.#inView.get(video)) return 0;
    const { clientWidth, clientHeight, videoWidth, videoHeight } = video;
    const fitting = videoWidth ? (clientWidth * videoHeight) / videoWidth : clientHeight;
    const covers = getComputedStyle(video).objectFit === "cover";
    const height = covers ? Math.max(fitting, clientHeight) : Math.min(fitting, clientHeight);
    return Math.min(Math.round(height * devicePixelRatio), 10_000);
  }
}

/** @param {number | undefined} told @param {number} now */
function isSame(told, now) {
  if (told === undefined || !told !== !now) return false;
  return Math.abs(told - now) <= told * SAME;
}
