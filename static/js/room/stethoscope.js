// @ts-check
/** The stethoscope's own sound track, with a mute and a level of its own. */
import { Extra } from "@/room/extra.js";
import { Meter } from "@/room/meter.js";

export class Stethoscope extends Extra {
  muted = false;
  #meter = new Meter();

  /** @param {import("@/room/call.js").Call} call @param {import("@/room/devices.js").Devices} devices */
  constructor(call, devices) {
    super("stethoscope", call, devices);
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    this.show();
    this.dispatchEvent(new CustomEvent("changed", { detail: { gone: false } }));
  }

  show() {
    if (!this.track) this.muted = false;
    else this.track.enabled = !this.muted;
    this.#meter.listen(this.track);
    this.call.show({ stethoscope: this.track !== null && !this.muted });
  }

  /** 0 silent to 1 full. */
  level() {
    return this.track && !this.muted ? this.#meter.level() : 0;
  }
}
