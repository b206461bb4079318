// @ts-check
/** Second camera and stethoscope in the check before the call: nobody needs them, who has them sees that they work. */
import { Meter } from "@/room/meter.js";
import { DeviceError } from "@/room/trouble.js";

/** @typedef {"clinical" | "stethoscope"} Extra */

export class ExtrasCheck {
  #meter = new Meter();
  #timer = 0;

  /** @param {HTMLElement} root @param {import("@/room/devices.js").Devices} devices */
  constructor(root, devices) {
    this.root = root;
    this.devices = devices;
    this.video = /** @type {HTMLVideoElement} */ (root.querySelector("[data-own=check-clinical]"));
    this.level = /** @type {HTMLMeterElement} */ (root.querySelector("[data-row=stethoscope] meter"));
  }

  /** Those used last time, where they are still there. */
  async start() {
    const found = await this.devices.list();
    for (const kind of /** @type {Extra[]} */ (["clinical", "stethoscope"])) {
      const kept = this.devices.kept[kind];
      const here = found[kind].some((device) => device.deviceId === kept);
      await this.choose(kind, here ? (kept ?? "") : "");
    }
    clearInterval(this.#timer);
    this.#timer = window.setInterval(() => (this.level.value = this.#meter.level()), 100);
  }

  /** The tracks stay open for the call. */
  end() {
    clearInterval(this.#timer);
    this.#meter.listen(null);
    this.video.srcObject = null;
  }

  /** @param {Extra} kind @param {string} id empty: none */
  async choose(kind, id) {
    /** @type {MediaStreamTrack | null} */
    let track = null;
    let words = "";
    if (!id) this.devices.close(kind);
    else {
      try {
        track = await this.devices.open(kind);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        words = error.words;
      }
    }
    if (kind === "stethoscope") this.#meter.listen(track);
    else this.video.srcObject = track ? new MediaStream([track]) : null;
    this.#draw(kind, track, words);
  }

  /** @param {Extra} kind @param {MediaStreamTrack | null} track @param {string} words what is wrong */
  #draw(kind, track, words) {
    const row = /** @type {HTMLElement} */ (this.root.querySelector(`[data-row="${kind}"]`));
    row.className = words ? "check-bad" : track ? "check-good" : "";
    /** @type {HTMLElement} */ (row.querySelector("[data-words]")).textContent = track ? gettext("works") : words ? gettext("does not work") : gettext("optional");
    /** @type {HTMLElement} */ (row.querySelector("[data-proof]")).hidden = track === null;
    const help = /** @type {HTMLElement} */ (row.querySelector("[data-help]"));
    help.textContent = words;
    help.hidden = words === "";
  }
}
