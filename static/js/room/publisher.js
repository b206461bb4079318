// @ts-check
/** What we send: microphone, camera, screen, second camera, stethoscope. Tracks are exchanged without negotiation where that is possible. */
import { Leg, onlyForwarded } from "@/room/leg.js";

const BITRATE = { mic: 40_000, camera: 1_500_000, screen: 2_500_000, "screen-sound": 128_000, clinical: 3_000_000, stethoscope: 128_000 };
const SOUNDS = ["mic", "screen-sound", "stethoscope"];
const STAYING = ["mic", "camera"]; // their places are kept while nothing is sent
/** Bits per second of a camera's three sizes: a quarter, half and all of its height. The relay gives each viewer one. */
const SIZES = /** @type {Partial<Record<Source, number[]>>} */ ({ camera: [150_000, 500_000, 1_500_000], clinical: [200_000, 800_000, 3_000_000] });
const NAMES = ["q", "h", "f"];

/** @typedef {"mic" | "camera" | "screen" | "screen-sound" | "clinical" | "stethoscope"} Source what is sent; the sound of a screen is its own place */

export class Publisher extends Leg {
  /** @type {Map<Source, MediaStreamTrack | null>} */
  #tracks = new Map([["mic", null], ["camera", null]]);
  /** @type {Map<Source, RTCRtpTransceiver>} */
  #places = new Map();

  /** @param {import("@/room/leg.js").Negotiate} negotiate */
  constructor(negotiate) {
    super("pub", negotiate);
  }

  /** @param {RTCPeerConnection} pc */
  furnish(pc) {
    this.#places.clear();
    for (const [source, track] of this.#tracks) this.#place(pc, source, track);
  }

  /** @param {Source} source @param {MediaStreamTrack | null} track null: send nothing */
  async put(source, track) {
    if (!STAYING.includes(source) && !track) this.#tracks.delete(source);
    else this.#tracks.set(source, track);
    if (!this.pc) return;
    const place = this.#places.get(source);
    if (!place) {
      if (track) this.#place(this.pc, source, track);
      this.change();
      return;
    }
    await place.sender.replaceTrack(track);
    const wanted = this.#tracks.has(source) ? "sendonly" : "inactive";
    if (place.direction !== wanted) {
      place.direction = wanted;
      this.change();
    }
  }

  describe() {
    const sent = [...this.#places].filter(([source, place]) => place.mid !== null && this.#tracks.has(source));
    return { tracks: sent.map(([source, place]) => ({ mid: place.mid, source: source.replace("-sound", "") })) };
  }

  /** @param {RTCPeerConnection} pc @param {Source} source @param {MediaStreamTrack | null} track */
  #place(pc, source, track) {
    const kind = SOUNDS.includes(source) ? "audio" : "video";
    const place = addSending(pc, track ?? kind, source);
    onlyForwarded(place, kind, "send");
    this.#places.set(source, place);
  }
}

/**
 * In three sizes where the browser can, else in one.
 * @param {RTCPeerConnection} pc @param {MediaStreamTrack | string} what @param {Source} source
 */
function addSending(pc, what, source) {
  const one = [{ maxBitrate: BITRATE[source] }];
  const sizes = SIZES[source]?.map((maxBitrate, at) => ({ rid: NAMES[at], maxBitrate, scaleResolutionDownBy: 4 >> at }));
  try {
    return pc.addTransceiver(what, { direction: "sendonly", sendEncodings: sizes ?? one });
  } catch (error) {
    if (!sizes) throw error;
    console.info("one size only", error);
    return pc.addTransceiver(what, { direction: "sendonly", sendEncodings: one });
  }
}
