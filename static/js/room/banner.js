// @ts-check
/** One banner at a time says what is wrong and what happens next: the most serious that holds. */
import { element, icon } from "@/base/dom.js";

/** @typedef {"over" | "elsewhere" | "full" | "line" | "relay" | "media" | "weak" | "theirs" | "poor" | "listen" | "mic" | "camera" | "silent" | "clinical" | "stethoscope" | "share" | "alone"} Name */
/** @typedef {{icon: string, text: string, tone?: "warn" | "danger", verb?: string, act?: () => void}} Banner */

/** @type {Name[]} */
const ORDER = ["over", "elsewhere", "full", "line", "relay", "media", "weak", "listen", "mic", "camera", "silent", "theirs", "poor", "clinical", "stethoscope", "share", "alone"];

export class Banners {
  /** @type {Map<Name, Banner>} */
  #held = new Map();
  #place;
  /** @type {Banner | undefined} */
  #shown;

  /** @param {HTMLElement} place a live region */
  constructor(place) {
    this.#place = place;
  }

  /** @param {Name} name @param {Banner} banner */
  raise(name, banner) {
    this.#held.set(name, banner);
    this.#draw();
  }

  /** @param {...Name} names */
  lower(...names) {
    for (const name of names) this.#held.delete(name);
    this.#draw();
  }

  #draw() {
    const first = ORDER.find((name) => this.#held.has(name));
    const banner = first && this.#held.get(first);
    if (banner && this.#shown && banner.text === this.#shown.text && banner.verb === this.#shown.verb) return;
    if (banner === this.#shown) return;
    this.#shown = banner;
    this.#place.replaceChildren(...(banner ? [draw(/** @type {Name} */ (first), banner)] : []));
  }
}

/** @param {Name} name @param {Banner} banner */
function draw(name, banner) {
  const line = element("div", { class: `room-banner tone-${banner.tone ?? "warn"}`, "data-banner": name }, icon(banner.icon), element("span", {}, banner.text));
  if (banner.verb) {
    const button = element("button", { type: "button", class: "button button-small" }, banner.verb);
    button.addEventListener("click", () => banner.act?.());
    line.append(button);
  }
  return line;
}
