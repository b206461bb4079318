// @ts-check
/** What we send: microphone, camera, screen. Tracks are exchanged without negotiation where that is possible. */
import { Leg, onlyForwarded } from "@/room/leg.js";

const BITRATE = { mic: 40_000, camera: 1_500_000, screen: 2_500_000 };

/** @typedef {"mic" | "camera" | "screen"} Source */

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
    if (source === "screen" && !track) this.#tracks.delete(source);
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
    return { tracks: sent.map(([source, place]) => ({ mid: place.mid, source })) };
  }

  /** @param {RTCPeerConnection} pc @param {Source} source @param {MediaStreamTrack | null} track */
  #place(pc, source, track) {
    const kind = source === "mic" ? "audio" : "video";
    const sendEncodings = [{ maxBitrate: BITRATE[source] }];
    const place = pc.addTransceiver(track ?? kind, { direction: "sendonly", sendEncodings });
    onlyForwarded(place, kind, "send");
    this.#places.set(source, place);
  }
}
