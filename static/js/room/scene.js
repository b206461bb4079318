// @ts-check
/** Brings what the call tells to the eye and ear: tiles, sound, speaking marks, who came and went. */
import { Sound } from "@/room/sound.js";
import { Stage } from "@/room/stage.js";
import { Stats } from "@/room/stats.js";

const LISTEN_EVERY = 400;
const LOUD = 0.02; // audioLevel of a remote voice
const OWN_LOUD = 0.4; // of our own meter

export class Scene {
  /** @type {Map<string, string>} session -> name, of the others */
  #names = new Map();
  #levels = /** @type {Map<string, number>} */ (new Map());

  /**
   * @param {HTMLElement} root @param {import("@/room/call.js").Call} call @param {import("@/room/own.js").Own} own
   * @param {import("@/room/banner.js").Banners} banners @param {{username: string, name: string}} me
   */
  constructor(root, call, own, banners, me) {
    this.call = call;
    this.own = own;
    this.me = me;
    this.banners = banners;
    this.stage = new Stage(/** @type {HTMLElement} */ (root.querySelector("[data-stage]")));
    this.sound = new Sound(/** @type {HTMLElement} */ (root.querySelector("[data-sound]")));
    this.announcer = /** @type {HTMLElement} */ (root.querySelector("[data-announcer]"));
    this.stats = new Stats(call);
    this.sound.use(own.devices.kept.speaker);
    this.#listen();
    setInterval(() => this.#hear(), LISTEN_EVERY);
  }

  /** @param {string} text */
  announce(text) {
    this.announcer.textContent = text;
  }

  draw() {
    const on = this.own.on;
    const self = { ...this.me, hospital: "", side: "", session: this.call.session, mic: on.mic, cam: on.camera, screen: on.screen, since: "" };
    this.stage.setPeople(this.call.people, this.call.session, self);
    this.stage.show("camera", this.call.session, this.own.devices.track("camera"));
    this.stage.show("screen", this.call.session, this.own.screen);
    for (const [username, level] of this.#levels) this.stage.setLevel(username, level);
  }

  #listen() {
    /** @param {string} name @param {(detail: any) => void} act */
    const on = (name, act) => this.call.addEventListener(name, (event) => act(/** @type {CustomEvent} */ (event).detail));
    on("people", (people) => this.#people(people));
    on("shown", ({ track, media }) => {
      if (track.kind === "audio") this.sound.add(track.id, track.username, media);
      else this.stage.show(track.source, track.session, media);
    });
    on("ended", (track) => {
      if (track.kind === "audio") this.sound.remove(track.id);
      else this.stage.show(track.source, track.session, null);
    });
    this.call.signal.addEventListener("quality", (event) => {
      const { by, level } = /** @type {CustomEvent} */ (event).detail;
      this.#levels.set(by, level);
      this.stage.setLevel(by, level);
    });
    this.own.addEventListener("changed", () => this.draw());
    this.own.addEventListener("speaker", (event) => this.sound.use(/** @type {CustomEvent} */ (event).detail));
    this.stats.addEventListener("level", (event) => this.#level(/** @type {CustomEvent} */ (event).detail));
    this.stats.addEventListener("stalled", () => this.call.subscriber.restart());
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

  /** @param {number} level */
  #level(level) {
    this.call.signal.send({ t: "quality", level });
    this.stage.setLevel(this.me.username, level);
    const text = gettext("Your connection is poor. Sound goes first; the picture may stop.");
    if (level === 1) this.banners.raise("media", { icon: "wifi", text });
    else this.banners.lower("media");
  }

  async #hear() {
    if (!this.call.subscriber.pc && !this.own.on.mic) return;
    const levels = await this.call.subscriber.levels();
    const speaking = new Set([...levels].filter(([, level]) => level > LOUD).map(([session]) => session));
    if (this.own.level() > OWN_LOUD) speaking.add(this.call.session);
    this.stage.setSpeaking(speaking);
  }
}
