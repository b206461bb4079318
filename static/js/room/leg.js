// @ts-check
/**
 * One peer connection to the relay: negotiates one offer at a time, restarts ICE when nothing comes through, is built
 * anew when that does not help. Knows no site, no DOM; `negotiate` carries offer and answer.
 */
import { ways } from "@/room/ice.js";
import { Refused } from "@/room/signal.js";

const RESTART_AFTER = 500; // of "disconnected": the path is gone, not one packet late
const RETRY_AFTER = 1000;

/** @typedef {(role: "pub" | "sub", sdp: string, more: Record<string, unknown>) => Promise<string>} Negotiate */

/** Sends `state` (detail: connection state) and `stranger` when the relay does not know us. */
export class Leg extends EventTarget {
  /** @type {RTCPeerConnection | null} */
  pc = null;
  /** @type {RTCPeerConnection | null} the one before, which carries on until `release` */
  #former = null;
  #busy = false;
  #due = false;
  #restart = false;
  #timer = 0;
  #silent = false;
  #role;
  #negotiate;

  /** @param {"pub" | "sub"} role @param {Negotiate} negotiate */
  constructor(role, negotiate) {
    super();
    this.#role = role;
    this.#negotiate = negotiate;
    ways.addEventListener("renewed", () => this.pc?.setConfiguration(ways.configuration)); // for the next ICE restart
  }

  /** Build the connection, or build it anew; `furnish` gives it what it carries. */
  open() {
    this.close();
    const pc = new RTCPeerConnection(ways.configuration);
    this.pc = pc;
    pc.addEventListener("connectionstatechange", () => pc === this.pc && this.#watch(pc));
    this.furnish(pc);
    this.change();
  }

  close() {
    clearTimeout(this.#timer);
    this.#due = this.#restart = this.#busy = this.#silent = false;
    this.pc?.close();
    this.pc = null;
  }

  /** Keep what carries for a while beside the connection that is built next. */
  park() {
    if (this.pc?.connectionState === "connected") {
      this.release();
      this.#former = this.pc;
      this.pc = null;
    }
    this.close();
  }

  release() {
    this.#former?.close();
    this.#former = null;
  }

  /** For subclasses: add transceivers to a new connection. @param {RTCPeerConnection} _pc */
  furnish(_pc) {}

  /** For subclasses: what goes with an offer. @returns {Record<string, unknown>} */
  describe() {
    return {};
  }

  /** For subclasses: an answer was taken. */
  settled() {}

  /** Something to negotiate. */
  change() {
    this.#due = true;
    this.#work();
  }

  /** How it stands: what the browser says, but "disconnected" as soon as nothing comes through. */
  get state() {
    return this.pc && this.#silent ? "disconnected" : (this.pc?.connectionState ?? "");
  }

  /** Nothing comes through any more, or something does again. @param {boolean} silent */
  falls(silent) {
    if (silent === this.#silent) return;
    this.#silent = silent;
    this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
  }

  /** Find a new path; waits for the site if that is away. */
  restart() {
    if (!this.pc || this.#restart) return;
    this.#restart = true;
    this.change();
  }

  /** The site is back: go on with what waits. */
  resume() {
    this.#work();
  }

  /** Calls on a closed connection may never settle: each round belongs to its connection, and is left with it. */
  async #work() {
    const pc = this.pc;
    if (this.#busy || !pc) return;
    this.#busy = true;
    while (this.#due && pc === this.pc) {
      this.#due = false;
      try {
        await this.#round(pc);
      } catch (error) {
        if (pc !== this.pc) return;
        this.#due = true;
        await this.#failed(pc, error);
        break;
      }
    }
    if (pc === this.pc) this.#busy = false;
  }

  /** @param {RTCPeerConnection} pc */
  async #round(pc) {
    const iceRestart = this.#restart;
    await pc.setLocalDescription(await pc.createOffer({ iceRestart }));
    const answer = await this.#negotiate(this.#role, pc.localDescription?.sdp ?? "", this.describe());
    if (pc !== this.pc) return;
    if (iceRestart) this.#restart = false;
    await pc.setRemoteDescription({ type: "answer", sdp: answer });
    this.settled();
  }

  /** @param {RTCPeerConnection} pc @param {unknown} error */
  async #failed(pc, error) {
    if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" }).catch(console.warn);
    if (!(error instanceof Refused)) {
      console.error(error);
      this.#timer = window.setTimeout(() => this.open(), RETRY_AFTER);
    } else if (error.code === "unknown_peer" || error.code === "not-joined") {
      this.dispatchEvent(new CustomEvent("stranger"));
    } else if (error.code !== "away") {
      setTimeout(() => this.resume(), RETRY_AFTER);
    }
  }

  /** @param {RTCPeerConnection} pc */
  #watch(pc) {
    clearTimeout(this.#timer);
    const state = pc.connectionState;
    if (state === "disconnected") this.#timer = window.setTimeout(() => this.restart(), RESTART_AFTER);
    // Without a path the keys are still good; a handshake that failed is not.
    if (state === "failed") this.#timer = window.setTimeout(() => (pc.iceConnectionState === "failed" ? this.restart() : this.open()), 0);
    this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
  }
}

/**
 * The codecs the relay forwards, so that an offer with many people stays small.
 * @param {RTCRtpTransceiver} transceiver @param {"audio" | "video"} kind @param {"send" | "receive"} way
 */
export function onlyForwarded(transceiver, kind, way) {
  const known = (way === "send" ? RTCRtpSender : RTCRtpReceiver).getCapabilities(kind)?.codecs ?? [];
  const wanted = kind === "audio" ? ["audio/opus"] : ["video/vp8", "video/h264", "video/rtx"];
  const codecs = known.filter((codec) => wanted.includes(codec.mimeType.toLowerCase()) && isForwarded(codec));
  if (codecs.length) transceiver.setCodecPreferences(codecs);
}

/** Of H.264 the constrained baseline in packetization mode 1: what every browser with H.264 has. @param {RTCRtpCodec} codec */
function isForwarded({ mimeType, sdpFmtpLine = "" }) {
  if (mimeType.toLowerCase() !== "video/h264") return true;
  return /packetization-mode=1/.test(sdpFmtpLine) && /profile-level-id=42e0/i.test(sdpFmtpLine);
}
