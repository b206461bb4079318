// @ts-check
/** The stethoscopes of others: one line each, with a level, a volume and a mute of the listener's own. */
import { element, icon } from "@/base/dom.js";
import { Meter } from "@/room/meter.js";

const METER_EVERY = 100;

/** @typedef {import("@/room/subscriber.js").Track} Track */

export class Listening {
  /** @type {Map<string, {root: HTMLElement, meter: Meter, level: HTMLMeterElement}>} by track id */
  #lines = new Map();
  #place;
  #sound;
  #nameOf;

  /** @param {HTMLElement} place @param {import("@/room/sound.js").Sound} sound @param {(session: string) => string} nameOf */
  constructor(place, sound, nameOf) {
    this.#place = place;
    this.#sound = sound;
    this.#nameOf = nameOf;
    setInterval(() => {
      for (const { meter, level } of this.#lines.values()) level.value = meter.level();
    }, METER_EVERY);
  }

  /** @param {Track} track @param {MediaStreamTrack} media */
  add(track, media) {
    this.#sound.add(track.id, track.username, media);
    const known = this.#lines.get(track.id);
    if (known) return known.meter.listen(media);
    const meter = new Meter();
    meter.listen(media);
    const words = interpolate(gettext("Stethoscope of %(name)s"), { name: this.#nameOf(track.session) }, true);
    const level = /** @type {HTMLMeterElement} */ (element("meter", { class: "meter", min: "0", max: "1", high: "0.95", value: "0", "aria-label": gettext("Level of the stethoscope") }));
    const volume = /** @type {HTMLInputElement} */ (element("input", { type: "range", min: "0", max: "100", value: "100", class: "stethoscope-volume", "aria-label": gettext("Volume of the stethoscope") }));
    const mute = element("button", { type: "button", class: "button button-small", "aria-pressed": "false" });
    const draw = () => {
      const muted = mute.getAttribute("aria-pressed") === "true";
      this.#sound.setVolume(track.id, muted ? 0 : Number(volume.value) / 100);
      mute.replaceChildren(icon(muted ? "volume-x" : "volume-2"), muted ? gettext("Listen") : gettext("Silence"));
    };
    volume.addEventListener("input", () => {
      mute.setAttribute("aria-pressed", "false");
      draw();
    });
    mute.addEventListener("click", () => {
      mute.setAttribute("aria-pressed", String(mute.getAttribute("aria-pressed") !== "true"));
      draw();
    });
    const root = element("div", { class: "stethoscope", "data-listening": track.username }, icon("stethoscope"), element("span", { class: "truncate" }, words), level, volume, mute);
    draw();
    this.#lines.set(track.id, { root, meter, level });
    this.#place.append(root);
  }

  /** @param {Track} track */
  remove(track) {
    const line = this.#lines.get(track.id);
    line?.meter.listen(null);
    line?.root.remove();
    this.#lines.delete(track.id);
    this.#sound.remove(track.id);
  }
}
