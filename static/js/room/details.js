// @ts-check
/** The bars on a tile open a few lines in plain words: how the line of that person is. */
import { element, icon } from "@/base/dom.js";

/** @typedef {{level: number, loss: number, trip: number, jitter: number, frozen: number, up: number, down: number}} Told loss and frozen 0-1, ms, kbit/s */

export class Details {
  /** @type {Map<string, Told>} by username */
  #told = new Map();
  #box = element("div", { class: "quality-box", popover: "auto", role: "dialog", "data-quality-box": "" });
  #shown = "";

  /** @param {HTMLElement} root @param {(username: string) => string} nameOf */
  constructor(root, nameOf) {
    this.nameOf = nameOf;
    root.append(this.#box);
    root.addEventListener("click", (event) => {
      const bars = event.target instanceof Element ? event.target.closest("[data-quality]") : null;
      const tile = bars?.closest("[data-tile]");
      if (!(tile instanceof HTMLElement)) return;
      this.#shown = tile.dataset.tile ?? "";
      this.#draw();
      this.#box.showPopover();
    });
  }

  /** @param {string} username @param {Told} told */
  set(username, told) {
    this.#told.set(username, told);
    if (username === this.#shown && this.#box.matches(":popover-open")) this.#draw();
  }

  #draw() {
    const told = this.#told.get(this.#shown);
    const name = this.nameOf(this.#shown);
    this.#box.setAttribute("aria-label", interpolate(gettext("Connection of %(name)s"), { name }, true));
    const lines = told ? sentences(told) : [gettext("Not measured yet.")];
    this.#box.replaceChildren(element("strong", {}, icon("signal"), name), ...lines.map((line) => element("p", {}, line)));
  }
}

/** @param {Told} told @returns {string[]} */
function sentences({ level, loss, trip, jitter, frozen, up, down }) {
  /** @param {string} words @param {Record<string, unknown>} values */
  const say = (words, values) => interpolate(words, values, true);
  const percent = (100 * loss).toFixed(1);
  const heads = [gettext("The connection is lost."), gettext("The connection is poor: sound goes first, the picture may stop."), gettext("The connection is slow: the picture may be small or late."), gettext("The connection is good.")];
  const late = trip < 150 ? gettext("Answers come at once (%(trip)s ms there and back).") : trip < 400 ? gettext("Answers come a little late (%(trip)s ms there and back).") : gettext("Answers come late (%(trip)s ms there and back): let each other finish.");
  const gaps = loss < 0.01 ? gettext("Nearly everything arrives (%(percent)s% lost).") : loss < 0.05 ? gettext("Some is lost and repaired (%(percent)s%).") : gettext("Much is lost (%(percent)s%): words may be missing.");
  const still = frozen < 0.02 ? gettext("The picture runs smoothly.") : gettext("The picture stands still %(share)s% of the time.");
  return [
    heads[level],
    say(late, { trip: Math.round(trip) }),
    say(gaps, { percent }),
    say(still, { share: Math.round(100 * frozen) }),
    say(gettext("Sends %(up)s, receives %(down)s kbit/s; sound comes %(jitter)s ms unevenly."), { up: Math.round(up), down: Math.round(down), jitter: Math.round(jitter) }),
  ];
}
