// @ts-check
/**
 * What others send: one receiving place for each track wanted. A place whose track ended is stopped, never used again:
 * Chromium shows nothing of a second track on the same receiver.
 */
import { Leg, onlyForwarded } from "@/room/leg.js";

/** @typedef {{id: string, username: string, session: string, kind: "audio" | "video", source: "mic" | "camera" | "screen" | "clinical" | "stethoscope"}} Track */

/** Sends `shown` (detail: {track, media}) and `ended` (detail: track). */
export class Subscriber extends Leg {
  /** @type {Map<string, Track>} */
  #wanted = new Map();
  /** @type {Map<string, RTCRtpTransceiver>} */
  #places = new Map();

  /** @param {import("@/room/leg.js").Negotiate} negotiate */
  constructor(negotiate) {
    super("sub", negotiate);
  }

  /** @param {Track[]} tracks all there are; what is new is asked for, what is gone is given up */
  want(tracks) {
    const next = new Map(tracks.map((track) => [track.id, track]));
    const gone = [...this.#wanted.values()].filter((track) => !next.has(track.id));
    const fresh = tracks.filter((track) => !this.#wanted.has(track.id));
    this.#wanted = next;
    for (const track of gone) this.dispatchEvent(new CustomEvent("ended", { detail: track }));
    if (!gone.length && !fresh.length) return;
    if (!next.size) this.close();
    else if (!this.pc) this.open();
    else {
      this.#arrange(this.pc);
      this.change();
    }
  }

  /** All `tracks` over a new connection; the one there is carries on until `release`. @param {Track[]} tracks */
  renew(tracks) {
    this.park();
    this.want([]);
    this.want(tracks);
  }

  /** The pictures wanted, seen or not. */
  pictures() {
    return [...this.#wanted.values()].filter((track) => track.kind === "video");
  }

  /** @param {RTCPeerConnection} pc */
  furnish(pc) {
    this.#places.clear();
    this.#arrange(pc);
  }

  describe() {
    const want = /** @type {Record<string, string>} */ ({});
    for (const [id, place] of this.#places) if (place.mid !== null) want[place.mid] = id;
    return { want };
  }

  settled() {
    for (const [id, place] of this.#places) {
      const track = this.#wanted.get(id);
      if (!track || place.currentDirection !== "recvonly") continue;
      this.dispatchEvent(new CustomEvent("shown", { detail: { track, media: place.receiver.track } }));
    }
  }

  /** @param {RTCPeerConnection} pc */
  #arrange(pc) {
    for (const [id, place] of this.#places) {
      if (this.#wanted.has(id)) continue;
      place.stop();
      this.#places.delete(id);
    }
    for (const track of this.#wanted.values()) {
      if (this.#places.has(track.id)) continue;
      const place = pc.addTransceiver(track.kind, { direction: "recvonly" });
      onlyForwarded(place, track.kind, "receive");
      this.#places.set(track.id, place);
    }
  }
}
