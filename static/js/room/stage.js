// @ts-check
/** Which tile is large and which are in the strip: who was chosen, then what is shown (screen, second camera), then who speaks. */
import { element, icon } from "@/base/dom.js";
import { Tile } from "@/room/tiles.js";

/** @typedef {import("@/room/call.js").Person} Person */

export class Stage {
  /** @type {Map<string, Tile>} key: source:session */
  #tiles = new Map();
  /** @type {Map<string, MediaStreamTrack | null>} also of tiles that are not there yet */
  #media = new Map();
  #chosen = "";
  #speaker = "";
  #own = "";
  #main;
  #strip;
  #waiting;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#main = /** @type {HTMLElement} */ (root.querySelector("[data-stage-main]"));
    this.#strip = /** @type {HTMLElement} */ (root.querySelector("[data-strip]"));
    this.#waiting = element("div", { class: "tile", "data-waiting": "" }, element("div", { class: "tile-off" }, icon("hourglass", "icon-large"), element("span", {}, gettext("Waiting for the other side. They see that you are here."))));
    root.addEventListener("click", (event) => this.#click(event));
  }

  /** @param {Person[]} people @param {string} own session of this page @param {Person} self */
  setPeople(people, own, self) {
    this.#own = own;
    const others = people.filter((person) => person.session !== own && person.username !== self.username);
    const wanted = new Map(others.map((person) => [`camera:${person.session}`, person]));
    wanted.set(`camera:${own}`, self);
    for (const person of [...others, self]) {
      if (person.screen) wanted.set(`screen:${person.session}`, person);
      if (person.clinical) wanted.set(`clinical:${person.session}`, person);
    }
    for (const [key, person] of wanted) this.#tile(key, person).draw(person);
    for (const [key, tile] of this.#tiles) {
      if (wanted.has(key)) continue;
      tile.root.remove();
      tile.video.srcObject = null;
      this.#tiles.delete(key);
    }
    this.arrange();
  }

  /** @param {import("@/room/tiles.js").Source} source @param {string} session @param {MediaStreamTrack | null} media */
  show(source, session, media) {
    const key = `${source}:${session}`;
    if (media) this.#media.set(key, media);
    else this.#media.delete(key);
    this.#tiles.get(key)?.show(media);
  }

  /** @param {string} username @param {number} level */
  setLevel(username, level) {
    for (const tile of this.#tiles.values()) if (tile.person.username === username) tile.setLevel(level);
  }

  /** @param {string} speaker session of who speaks, empty: nobody @param {string[]} silent whose microphone is on but gives nothing */
  setVoices(speaker, silent) {
    for (const [key, tile] of this.#tiles) {
      if (tile.source !== "camera") continue;
      const session = key.slice("camera:".length);
      tile.setSpeaking(session === speaker);
      tile.setSilent(silent.includes(session));
    }
    if (!speaker || speaker === this.#own || speaker === this.#speaker) return;
    this.#speaker = speaker;
    this.arrange();
  }

  /** Put each tile where it belongs; nothing moves that is there already. */
  arrange() {
    const large = this.#large();
    const strip = [...this.#tiles.keys()].filter((key) => key !== large);
    this.#put(this.#main, large ? [this.#tiles.get(large)?.root ?? this.#waiting] : [this.#waiting]);
    this.#put(this.#strip, strip.map((key) => /** @type {Tile} */ (this.#tiles.get(key)).root));
    this.#strip.hidden = strip.length === 0;
    for (const tile of this.#tiles.values()) tile.play();
  }

  #large() {
    const keys = [...this.#tiles.keys()];
    const others = keys.filter((key) => !key.endsWith(`:${this.#own}`));
    if (this.#chosen && this.#tiles.has(this.#chosen)) return this.#chosen;
    const shown = others.filter((key) => !key.startsWith("camera:"));
    return shown.at(-1) ?? others.find((key) => key === `camera:${this.#speaker}`) ?? others[0];
  }

  /** @param {string} key @param {Person} person */
  #tile(key, person) {
    let tile = this.#tiles.get(key);
    if (!tile) {
      const [source, session] = key.split(":");
      tile = new Tile(person, { source: /** @type {import("@/room/tiles.js").Source} */ (source), own: session === this.#own });
      tile.root.dataset.tileKey = key;
      this.#tiles.set(key, tile);
      tile.show(this.#media.get(key) ?? null);
    }
    return tile;
  }

  /** @param {Event} event */
  #click(event) {
    if (event.target instanceof Element && event.target.closest("[data-still], [data-move], [data-quality]")) return;
    const tile = event.target instanceof Element ? event.target.closest("[data-tile-key]") : null;
    if (!(tile instanceof HTMLElement)) return;
    const key = tile.dataset.tileKey ?? "";
    this.#chosen = this.#chosen === key ? "" : key;
    this.arrange();
  }

  /** @param {HTMLElement} place @param {HTMLElement[]} wanted */
  #put(place, wanted) {
    for (const child of [...place.children]) if (!wanted.includes(/** @type {HTMLElement} */ (child))) child.remove();
    wanted.forEach((child, at) => {
      if (place.children[at] !== child) place.insertBefore(child, place.children[at] ?? null);
    });
  }
}
