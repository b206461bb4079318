// @ts-check
/** A device beside camera and microphone that is sent as a track of its own: started, stopped, lost. Knows no DOM. */
import { DeviceError } from "@/room/trouble.js";

/** Sends `changed`, and `problem` (detail: {name, words}; words empty: it is over). */
export class Extra extends EventTarget {
  /** @type {MediaStreamTrack | null} */
  track = null;

  /** @param {"clinical" | "stethoscope"} kind @param {import("@/room/call.js").Call} call @param {import("@/room/devices.js").Devices} devices */
  constructor(kind, call, devices) {
    super();
    this.kind = kind;
    this.call = call;
    this.devices = devices;
    devices.addEventListener("lost", (event) => {
      if (/** @type {CustomEvent} */ (event).detail.kind === kind && this.track) this.#set(null, true);
    });
  }

  /** Send the chosen device, or another one from now on. @param {MediaStreamTrack | null} [opened] it is open already */
  async start(opened = null) {
    try {
      await this.#set(opened ?? (await this.devices.open(this.kind)));
      this.problem("");
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      await this.#set(null);
      this.problem(error.words);
    }
  }

  async stop() {
    this.devices.close(this.kind);
    this.problem("");
    await this.#set(null);
  }

  /** For subclasses: what the others are told. */
  show() {}

  /** @param {MediaStreamTrack | null} track @param {boolean} [gone] the device was pulled out */
  async #set(track, gone = false) {
    this.track = track;
    await this.call.publisher.put(this.kind, track);
    this.show();
    this.dispatchEvent(new CustomEvent("changed", { detail: { gone } }));
  }

  /** @param {string} words */
  problem(words) {
    this.dispatchEvent(new CustomEvent("problem", { detail: { name: this.kind, words } }));
  }
}
