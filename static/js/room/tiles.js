// @ts-check
/** One tile per camera, second camera and shared screen. Draws; decides nothing about media. */
import { element, icon } from "@/base/dom.js";
import { clinicalName, clinicalOf } from "@/room/clinical.js";

/** @typedef {import("@/room/call.js").Person} Person */
/** @typedef {"camera" | "screen" | "clinical"} Source */

const LEVEL_WORDS = () => [
  gettext("Connection lost"),
  gettext("Connection poor"),
  gettext("Connection slow"),
  gettext("Connection good"),
];

/** The elements of one person's picture. */
export class Tile {
  /** Whether this person's side may ask to move a camera of the patient's side. */
  static mayMove = false;

  /** @param {Person} person @param {{source?: Source, own?: boolean}} [options] */
  constructor(person, { source = "camera", own = false } = {}) {
    this.person = person;
    this.source = source;
    this.own = own;
    this.level = 3;
    this.video = document.createElement("video");
    this.video.autoplay = this.video.playsInline = this.video.muted = true;
    if (own) this.video.dataset.own = source;
    else this.video.dataset.participant = person.username;
    this.off = element("div", { class: "tile-off" }, element("span", { class: "avatar", "aria-hidden": "true" }), element("span"));
    this.name = element("span", { class: "truncate" });
    this.muted = element("span", { class: "tile-muted-mark" }, icon("mic-off", "tile-muted"), element("span", { class: "visually-hidden" }, gettext("muted")));
    this.bars = element("span", { class: "bars", "aria-hidden": "true" });
    this.quality = element("button", { type: "button", class: "tile-quality", "data-quality": "" }, this.bars);
    this.silent = element("span", { class: "tile-silent" }, icon("volume-x"), element("span", {}, gettext("no sound")));
    this.silent.hidden = true;
    this.label = element("div", { class: "tile-label" }, this.muted, this.silent, this.name, this.quality);
    this.enlarge = element("button", { type: "button", class: "button button-icon button-small" }, icon("maximize"));
    this.still = element("button", { type: "button", class: "button button-icon button-small", "data-still": "", title: gettext("Take a still") }, icon("camera"));
    this.move = element("button", { type: "button", class: "button button-icon button-small", "data-move": "", title: gettext("Move the camera") }, icon("move"));
    const actions = element("div", { class: "tile-actions" }, this.move, this.still, this.enlarge);
    const facts = { class: "tile", role: "group", "data-tile": person.username, "data-source": source };
    this.root = element("div", facts, this.off, this.video, this.label, actions);
    if (own && source === "camera") this.root.classList.add("tile-mirror");
    this.setLevel(3);
    this.draw(person);
  }

  /** @param {Person} person */
  draw(person) {
    this.person = person;
    const face = this.source === "camera";
    const [avatar, words] = this.off.children;
    avatar.textContent = [...person.name][0] ?? "";
    words.textContent = gettext("Camera off");
    this.name.textContent = this.#title();
    this.muted.hidden = !face || person.mic;
    this.quality.hidden = !face;
    const shows = !face || person.cam;
    this.off.hidden = shows && this.video.srcObject !== null;
    this.video.hidden = !shows;
    this.root.setAttribute("aria-label", this.#title());
    this.still.hidden = this.source === "screen" || (this.own && face) || !shows;
    this.still.setAttribute("aria-label", interpolate(gettext("Take a still: %(name)s"), { name: this.#title() }, true));
    this.move.hidden = this.own || !face || !person.cam || person.side !== "asking" || !Tile.mayMove;
    this.move.setAttribute("aria-label", interpolate(gettext("Move the camera: %(name)s"), { name: this.#title() }, true));
    this.enlarge.setAttribute("aria-label", interpolate(gettext("Enlarge: %(name)s"), { name: this.#title() }, true));
  }

  #title() {
    if (this.own && this.source === "camera") return gettext("You");
    if (this.own) return this.source === "screen" ? gettext("Your screen") : clinicalName(this.person.clinical);
    if (this.source === "clinical") return clinicalOf(this.person.clinical, this.person.name);
    const name = this.person.hospital ? `${this.person.name} · ${this.person.hospital}` : this.person.name;
    return this.source === "screen" ? interpolate(gettext("Screen of %(name)s"), { name: this.person.name }, true) : name;
  }

  /** @param {MediaStreamTrack | null} media */
  show(media) {
    const shown = /** @type {MediaStream | null} */ (this.video.srcObject)?.getVideoTracks()[0] ?? null;
    if (shown !== media) this.video.srcObject = media ? new MediaStream([media]) : null;
    this.draw(this.person);
    if (media) this.play();
  }

  /** Also after moving: an element put elsewhere pauses. */
  play() {
    if (this.video.srcObject && this.video.paused) {
      this.video.play().catch((error) => error.name === "AbortError" || console.warn(error));
    }
  }

  /** @param {number} level 0-3 */
  setLevel(level) {
    this.level = level;
    this.bars.dataset.level = String(level);
    this.quality.setAttribute("aria-label", LEVEL_WORDS()[level]);
    this.quality.title = LEVEL_WORDS()[level];
  }

  /** The microphone is on and gives nothing. @param {boolean} silent */
  setSilent(silent) {
    const words = interpolate(gettext("No sound comes from the microphone of %(name)s"), { name: this.person.name }, true);
    this.silent.hidden = !silent;
    this.silent.title = words;
    this.silent.setAttribute("aria-label", words);
  }

  /** @param {boolean} speaks */
  setSpeaking(speaks) {
    this.root.classList.toggle("tile-speaking", speaks);
  }
}
