// @ts-check
/** Second camera and stethoscope in the call: their buttons, and what is said of them. */
import { element, icon } from "@/base/dom.js";
import { Clinical, clinicalName } from "@/room/clinical.js";
import { paint } from "@/room/controls.js";
import { Stethoscope } from "@/room/stethoscope.js";
import { gone } from "@/room/trouble.js";

const METER_EVERY = 100;

export class Equipment extends EventTarget {
  /**
   * @param {HTMLElement} root @param {import("@/room/call.js").Call} call @param {import("@/room/own.js").Own} own
   * @param {import("@/room/banner.js").Banners} banners
   */
  constructor(root, call, own, banners) {
    super();
    this.root = root;
    this.own = own;
    this.banners = banners;
    this.clinical = new Clinical(call, own.devices);
    this.stethoscope = new Stethoscope(call, own.devices);
    this.bar = /** @type {HTMLElement} */ (root.querySelector("[data-stethoscope]"));
    this.level = /** @type {HTMLMeterElement} */ (this.bar.querySelector("meter"));
    for (const part of [this.clinical, this.stethoscope]) {
      this.#button(part.kind).addEventListener("click", () => this.#press(part));
      part.addEventListener("changed", (event) => this.#changed(part, /** @type {CustomEvent} */ (event).detail.gone));
      part.addEventListener("problem", (event) => this.#problem(part, /** @type {CustomEvent} */ (event).detail.words));
    }
    this.bar.querySelector("[data-stop]")?.addEventListener("click", () => this.stethoscope.stop());
    this.bar.querySelector("[data-mute]")?.addEventListener("click", () => this.stethoscope.mute(!this.stethoscope.muted));
    own.addEventListener("changed", () => this.#hint());
    setInterval(() => this.stethoscope.track && (this.level.value = this.stethoscope.level()), METER_EVERY);
    this.#draw();
  }

  /** As the device check left it: what was chosen there is on from the start. */
  async start() {
    for (const part of [this.clinical, this.stethoscope]) {
      const track = this.own.devices.track(part.kind);
      if (track) await part.start(track);
    }
  }

  /** Chosen in the dialog: another device, none, or another name. @param {string} name @param {string} value */
  chosen(name, value) {
    if (name === "clinicalKind") this.#changed(this.clinical, false, true);
    const part = name === "clinical" ? this.clinical : name === "stethoscope" ? this.stethoscope : null;
    if (part && value) part.start();
    else if (part) part.stop();
  }

  stop() {
    for (const part of [this.clinical, this.stethoscope]) this.own.devices.close(part.kind);
  }

  /** @param {Clinical | Stethoscope} part */
  async #press(part) {
    const button = this.#button(part.kind);
    if (!part.track && !this.own.devices.kept[part.kind]) {
      /** @type {HTMLButtonElement | null} */ (this.root.querySelector("[data-opens=device-dialog]"))?.click();
      /** @type {HTMLElement | null} */ (this.root.querySelector(`#device-dialog [data-device="${part.kind}"]`))?.focus();
      return;
    }
    button.disabled = true;
    await (part.track ? part.stop() : part.start()).finally(() => (button.disabled = false));
  }

  /** @param {Clinical | Stethoscope} part @param {boolean} wasPulledOut @param {boolean} [told] */
  #changed(part, wasPulledOut, told = false) {
    if (told) part.show();
    if (wasPulledOut) this.#problem(part, gone(part.kind));
    this.#draw();
    this.dispatchEvent(new CustomEvent("changed"));
  }

  /** @param {Clinical | Stethoscope} part @param {string} words */
  #problem(part, words) {
    const again = () => {
      this.banners.lower(part.kind);
      part.start();
    };
    if (words) this.banners.raise(part.kind, { icon: "triangle-alert", text: words, verb: gettext("Try again"), act: again });
    else this.banners.lower(part.kind);
  }

  #draw() {
    const { clinical, stethoscope } = this;
    const button = this.#button("clinical");
    button.dataset.on = interpolate(gettext("Stop %(name)s"), { name: clinicalName(clinical.what).toLocaleLowerCase() }, true);
    paint(button, clinical.track !== null, ["camera-off", "microscope"]);
    button.classList.toggle("control-on", clinical.track !== null);
    paint(this.#button("stethoscope"), stethoscope.track !== null, ["x", "stethoscope"]);
    this.#button("stethoscope").classList.toggle("control-on", stethoscope.track !== null);
    this.bar.hidden = stethoscope.track === null;
    const mute = /** @type {HTMLElement} */ (this.bar.querySelector("[data-mute]"));
    mute.setAttribute("aria-pressed", String(stethoscope.muted));
    mute.replaceChildren(icon(stethoscope.muted ? "volume-x" : "volume-2"), stethoscope.muted ? gettext("Unmute stethoscope") : gettext("Mute stethoscope"));
    this.#hint();
  }

  /** Two microphones in one room: the voice covers the heart. */
  #hint() {
    const place = /** @type {HTMLElement} */ (this.bar.querySelector("[data-hint]"));
    const shown = this.stethoscope.track !== null && !this.stethoscope.muted && this.own.on.mic;
    place.hidden = !shown;
    if (!shown || place.childElementCount) return;
    const button = element("button", { type: "button", class: "button button-small" }, icon("mic-off"), gettext("Mute microphone"));
    button.addEventListener("click", () => this.own.set("mic", false));
    place.replaceChildren(element("span", {}, gettext("Your microphone is on: mute it while they listen.")), button);
  }

  /** @param {string} name */
  #button(name) {
    return /** @type {HTMLButtonElement} */ (this.root.querySelector(`[data-control="${name}"]`));
  }
}
