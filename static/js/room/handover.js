// @ts-check
/**
 * Make before break: after a move to another relay, what is shown stays until its successor flows, then the old
 * connections end. Stands between the subscriber and who shows its tracks; knows no site and no DOM.
 */

const LOOK_EVERY = 100;
const GIVE_UP_AFTER = 10_000; // whoever has not come along by then is not coming
const LINGER = 5000; // others, on slower lines, may still be watching what we send on the old connection

/** @typedef {import("@/room/subscriber.js").Track} Track */

export class Handover {
  /** @type {Map<string, Track>} what is shown, by place */
  #shown = new Map();
  /** @type {Map<string, Track>} what is shown over the old connection */
  #held = new Map();
  /** @type {Map<string, {track: Track, media: MediaStreamTrack}>} what will be shown as soon as it flows */
  #coming = new Map();
  #since = 0;
  #timer = 0;
  #linger = 0;

  /**
   * @param {import("@/room/leg.js").Leg} publisher @param {import("@/room/subscriber.js").Subscriber} subscriber
   * @param {(name: "shown" | "ended", detail: unknown) => void} tell
   */
  constructor(publisher, subscriber, tell) {
    this.legs = [publisher, subscriber];
    this.subscriber = subscriber;
    this.tell = tell;
    subscriber.addEventListener("shown", (event) => this.#onShown(/** @type {CustomEvent} */ (event).detail));
    subscriber.addEventListener("ended", (event) => this.#onEnded(/** @type {CustomEvent} */ (event).detail));
  }

  /** The connections are about to be built anew, elsewhere perhaps. */
  begin() {
    this.#held = new Map(this.#shown);
    this.#coming.clear();
    this.#since = performance.now();
    clearTimeout(this.#linger);
    clearInterval(this.#timer);
    this.#timer = window.setInterval(() => this.#look(), LOOK_EVERY);
  }

  /** The call is over: nothing is kept. */
  end() {
    clearInterval(this.#timer);
    clearTimeout(this.#linger);
    for (const track of this.#held.values()) this.#drop(track);
    this.#held.clear();
    this.#coming.clear();
    for (const leg of this.legs) leg.release();
  }

  /** What takes the place of a picture that is still shown over the old connection. @param {string} id of that one */
  successor(id) {
    const held = [...this.#held.values()].find((track) => track.id === id);
    return held && this.subscriber.pictures().find((track) => placeOf(track) === placeOf(held))?.id;
  }

  /** @param {{track: Track, media: MediaStreamTrack}} detail */
  #onShown(detail) {
    const place = placeOf(detail.track);
    if (this.#held.has(place)) this.#coming.set(place, detail);
    else this.#show(detail);
  }

  /** @param {Track} track */
  #onEnded(track) {
    const place = placeOf(track);
    if (this.#coming.get(place)?.track.id === track.id) this.#coming.delete(place);
    if (this.#held.get(place)?.id !== track.id) this.#drop(track);
  }

  async #look() {
    for (const [place, detail] of [...this.#coming]) {
      if ((await this.#flows(detail.media)) && this.#coming.get(place) === detail) this.#replace(place, detail);
    }
    const late = performance.now() - this.#since > GIVE_UP_AFTER;
    if (this.#held.size && !late) return;
    clearInterval(this.#timer);
    for (const [place, track] of [...this.#held]) {
      const detail = this.#coming.get(place);
      if (detail) this.#replace(place, detail);
      else this.#drop(track);
    }
    this.#held.clear();
    this.subscriber.release();
    this.#linger = window.setTimeout(() => this.end(), LINGER);
  }

  /** @param {string} place @param {{track: Track, media: MediaStreamTrack}} detail */
  #replace(place, detail) {
    const old = this.#held.get(place);
    this.#held.delete(place);
    this.#coming.delete(place);
    if (old) this.#drop(old);
    this.#show(detail);
  }

  /** Whether something of it could be shown by now. @param {MediaStreamTrack} media */
  async #flows(media) {
    const rows = [...((await this.subscriber.pc?.getStats(media).catch(() => null))?.values() ?? [])];
    return rows.some((row) => row.type === "inbound-rtp" && (media.kind === "video" ? row.framesDecoded > 0 : row.packetsReceived > 0));
  }

  /** @param {{track: Track, media: MediaStreamTrack}} detail */
  #show(detail) {
    this.#shown.set(placeOf(detail.track), detail.track);
    this.tell("shown", detail);
  }

  /** @param {Track} track */
  #drop(track) {
    const place = placeOf(track);
    if (this.#shown.get(place)?.id === track.id) this.#shown.delete(place);
    this.tell("ended", track);
  }
}

/** A sender has one place for each source. @param {Track} track */
function placeOf(track) {
  return `${track.session} ${track.source} ${track.kind}`;
}
