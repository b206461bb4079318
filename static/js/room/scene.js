// @ts-check
/** Brings what the call tells to the eye and ear: tiles, sound, speaking marks, who came and went. */
import { Details } from "@/room/details.js";
import { Listening } from "@/room/listening.js";
import { Shown } from "@/room/shown.js";
import { Sound } from "@/room/sound.js";
import { Stage } from "@/room/stage.js";
import { Stats, grade } from "@/room/stats.js";
import { Sums } from "@/room/sums.js";

const RETURN = 10_000; // so long the others may take to come back after the relay was away
const TELL_EVERY = 10_000; // how the line is, to the others, while the bars stay the same

export class Scene {
  /** @type {Map<string, string>} session -> name, of the others */
  #names = new Map();
  #toldLevel = -1;
  #toldAt = 0;
  #settledAt = 0;
  #silent = /** @type {string[]} */ ([]);
  #levels = /** @type {Map<string, number>} */ (new Map());

  /**
   * @param {HTMLElement} root @param {import("@/room/call.js").Call} call @param {import("@/room/own.js").Own} own
   * @param {import("@/room/equipment.js").Equipment} equipment @param {import("@/room/banner.js").Banners} banners
   * @param {{username: string, name: string}} me
   */
  constructor(root, call, own, equipment, banners, me) {
    this.call = call;
    this.own = own;
    this.equipment = equipment;
    this.me = me;
    this.banners = banners;
    this.stage = new Stage(/** @type {HTMLElement} */ (root.querySelector("[data-stage]")));
    this.sound = new Sound(/** @type {HTMLElement} */ (root.querySelector("[data-sound]")));
    const place = /** @type {HTMLElement} */ (root.querySelector("[data-listenings]"));
    this.listening = new Listening(place, this.sound, (session) => call.people.find((person) => person.session === session)?.name ?? "");
    this.announcer = /** @type {HTMLElement} */ (root.querySelector("[data-announcer]"));
    this.stats = new Stats(call);
    this.sums = new Sums(call, this.stats, root.dataset.qualityUrl ?? "");
    this.details = new Details(root, (username) => call.people.find((person) => person.username === username)?.name ?? me.name);
    this.shown = new Shown(/** @type {HTMLElement} */ (root.querySelector("[data-stage]")), call);
    this.sound.use(own.devices.kept.speaker);
    this.#listen();
  }

  /** @param {string} text */
  announce(text) {
    this.announcer.textContent = text;
  }

  draw() {
    const on = this.own.on;
    const self = { ...this.me, hospital: "", side: "", session: this.call.session, mic: on.mic, cam: on.camera, screen: on.screen, clinical: this.call.state.clinical, stethoscope: false, paused: [], since: "" };
    this.stage.setPeople(this.call.people, this.call.session, self);
    this.stage.show("camera", this.call.session, this.own.devices.track("camera"));
    this.stage.show("screen", this.call.session, this.own.screen);
    this.stage.show("clinical", this.call.session, this.equipment.clinical.track);
    for (const [username, level] of this.#levels) this.stage.setLevel(username, level);
  }

  #listen() {
    /** @param {string} name @param {(detail: any) => void} act */
    const on = (name, act) => this.call.addEventListener(name, (event) => act(/** @type {CustomEvent} */ (event).detail));
    on("people", (people) => this.#people(people));
    on("relay", (state) => state === "ready" || (this.#settledAt = performance.now() + RETURN));
    on("shown", ({ track, media }) => {
      if (track.source === "stethoscope") this.listening.add(track, media);
      else if (track.kind === "audio") this.sound.add(track.id, track.username, media);
      else this.stage.show(track.source, track.session, media);
    });
    on("ended", (track) => {
      if (track.source === "stethoscope") this.listening.remove(track);
      else if (track.kind === "audio") this.sound.remove(track.id);
      else this.stage.show(track.source, track.session, null);
    });
    this.call.signal.addEventListener("quality", (event) => {
      const told = /** @type {CustomEvent} */ (event).detail;
      this.#levels.set(told.by, told.level);
      this.stage.setLevel(told.by, told.level);
      this.details.set(told.by, told);
    });
    this.call.signal.addEventListener("speaker", (event) => this.#voices(/** @type {CustomEvent} */ (event).detail));
    for (const part of [this.own, this.equipment]) part.addEventListener("changed", () => this.draw());
    this.own.addEventListener("speaker", (event) => this.sound.use(/** @type {CustomEvent} */ (event).detail));
    this.stats.addEventListener("level", (event) => this.#level(/** @type {CustomEvent} */ (event).detail));
    this.stats.addEventListener("figures", (event) => this.#figures(/** @type {CustomEvent} */ (event).detail));
    this.stats.addEventListener("stalled", () => this.shown.isBlank || this.call.subscriber.restart());
    this.sound.addEventListener("blocked", () => {
      const act = () => this.sound.unblock();
      this.banners.raise("listen", { icon: "volume-x", text: gettext("The browser holds the sound back."), verb: gettext("Listen"), act });
    });
    this.sound.addEventListener("playing", () => this.banners.lower("listen"));
  }

  /** @param {import("@/room/call.js").Person[]} people */
  #people(people) {
    const others = people.filter((person) => person.session !== this.call.session && person.username !== this.me.username);
    const now = new Map(others.map((person) => [person.session, person.name]));
    const wait = this.#settledAt - performance.now();
    if (wait > 0 && [...this.#names.keys()].some((session) => !now.has(session))) {
      setTimeout(() => this.#people(this.call.people), wait);
      return; // the relay was away and took everybody with it: they come back, nobody left
    }
    for (const [session, name] of now) {
      if (!this.#names.has(session)) this.announce(interpolate(gettext("%(name)s joined"), { name }, true));
    }
    for (const [session, name] of this.#names) if (!now.has(session)) this.#left(name, now.size);
    if (now.size) this.banners.lower("alone");
    this.#names = now;
    this.draw();
  }

  /** @param {string} name @param {number} remaining */
  #left(name, remaining) {
    const words = interpolate(gettext("%(name)s left"), { name }, true);
    this.announce(words);
    if (remaining === 0) {
      const text = interpolate(gettext("%(name)s left the call. You can wait here; they come back to the same place."), { name }, true);
      this.banners.raise("alone", { icon: "user-x", text });
    }
  }

  /** @param {import("@/room/stats.js").Figures} figures */
  #figures(figures) {
    const { level, lossIn, lossOut, trip, jitter, frozen, up, down } = figures;
    this.#poor(figures);
    /** @param {number} value */
    const whole = (value) => Math.round(Math.min(value, 1e6));
    const told = { level, loss: Math.min(1, Math.max(lossIn, lossOut)), trip: whole(1000 * trip), jitter: whole(1000 * jitter), frozen, up: whole(up), down: whole(down) };
    this.details.set(this.me.username, told);
    const now = performance.now();
    if (!this.call.joined || (level === this.#toldLevel && now - this.#toldAt < TELL_EVERY)) return;
    this.#toldLevel = level;
    this.#toldAt = now;
    this.call.signal.send({ t: "quality", ...told });
  }

  /** @param {{session: string, silent: string[]}} voices */
  #voices({ session, silent }) {
    this.stage.setVoices(session, silent);
    for (const each of silent.filter((one) => !this.#silent.includes(one) && one !== this.call.session)) {
      const name = this.#names.get(each);
      if (name) this.announce(interpolate(gettext("No sound comes from the microphone of %(name)s"), { name }, true));
    }
    this.#silent = silent;
    const text = gettext("Your microphone is on, but nothing is heard from it. Is it muted by its own switch?");
    if (silent.includes(this.call.session)) this.banners.raise("silent", { icon: "mic-off", text });
    else this.banners.lower("silent");
  }

  /** @param {number} level */
  #level(level) {
    this.stage.setLevel(this.me.username, level);
    if (level !== 1) this.banners.lower("poor");
  }

  /** What is lost on the way here may have been lost on the way from its sender, who then knows. @param {import("@/room/stats.js").Figures} figures */
  #poor({ level, lossOut, trip }) {
    if (level !== 1) return;
    const theirs = [...this.#names.values()].length === 1 && grade(lossOut, trip) > 1 && [...this.#levels.values()].some((told) => told < 2);
    const [name = ""] = this.#names.values();
    const text = theirs
      ? interpolate(gettext("The connection of %(name)s is poor. Sound goes first; their picture may stop."), { name }, true)
      : gettext("Your connection is poor. Sound goes first; the picture may stop.");
    this.banners.raise("poor", { icon: "wifi", text });
  }
}
