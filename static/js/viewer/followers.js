// @ts-check
/** Tells who shows an image which of the others follow and which look on their own. */
import { element } from "@/base/dom.js";

/** @typedef {"follows" | "free" | "closed"} How */

export class Followers {
  /** @type {Map<string, How>} by username */
  #how = new Map();
  #nameOf;

  /** @param {(username: string) => string} nameOf */
  constructor(nameOf) {
    this.#nameOf = nameOf;
    this.line = element("div", { class: "followers", role: "status", "data-followers": "" });
  }

  /** @param {string} username @param {How} how */
  set(username, how) {
    this.#how.set(username, how);
  }

  /** @param {string[]} usernames who is still here */
  keep(usernames) {
    for (const known of this.#how.keys()) if (!usernames.includes(known)) this.#how.delete(known);
  }

  /** @param {boolean} leads whether this person shows the others what they see @param {HTMLElement} box of the active pane */
  draw(leads, box) {
    if (this.line.parentElement !== box) box.append(this.line);
    const words = [...this.#how].map(([username, how]) => inWords(how, this.#nameOf(username)));
    const text = leads ? words.join(" · ") : "";
    if (this.line.textContent !== text) this.line.textContent = text;
  }

  destroy() {
    this.line.remove();
  }
}

/** @param {How} how @param {string} name */
function inWords(how, name) {
  const words = {
    follows: gettext("%(name)s follows"),
    free: gettext("%(name)s looks freely"),
    closed: gettext("%(name)s has closed the image"),
  };
  return interpolate(words[how], { name }, true);
}
