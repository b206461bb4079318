// @ts-check
/** Lines over the stage of what goes on between two people: a question, something lent, a picture under way. */
import { element, icon } from "@/base/dom.js";

/** @typedef {{verb: string, act: () => void, main?: boolean}} Action */
/** @typedef {{icon: string, text: string, actions?: Action[], link?: HTMLElement, progress?: number | null}} Notice `progress` in percent */

export class Notices {
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();
  #place;

  /** @param {HTMLElement} place a live region */
  constructor(place) {
    this.#place = place;
  }

  /** Say it, or say it anew. @param {string} key @param {Notice} notice @param {number} [stay] ms after which it goes by itself */
  say(key, notice, stay = 0) {
    const line = element("div", { class: "notice", "data-notice": key }, icon(notice.icon), element("span", { class: "notice-text" }, notice.text));
    if (notice.progress !== undefined && notice.progress !== null) {
      line.append(element("progress", { class: "progress", max: "100", value: String(notice.progress), "aria-label": notice.text }));
    }
    if (notice.link) line.append(notice.link);
    for (const { verb, act, main } of notice.actions ?? []) {
      const button = element("button", { type: "button", class: `button button-small${main ? " button-primary" : ""}` }, verb);
      button.addEventListener("click", act);
      line.append(button);
    }
    const known = this.#lines.get(key);
    if (known) known.replaceWith(line);
    else this.#place.append(line);
    this.#lines.set(key, line);
    if (stay) setTimeout(() => this.#lines.get(key) === line && this.drop(key), stay);
  }

  /** @param {string} key */
  drop(key) {
    this.#lines.get(key)?.remove();
    this.#lines.delete(key);
  }
}
