// @ts-check
/** The check before the call: picture, level, tone, way to the relay. Every failure says what to do; none blocks joining. */
import { icon } from "@/base/dom.js";
import { ExtrasCheck } from "@/room/checkextras.js";
import { startChoices } from "@/room/choices.js";
import { Meter, playTone } from "@/room/meter.js";
import { probe } from "@/room/probe.js";
import { DeviceError } from "@/room/trouble.js";
import { advice, inWords, noWay, startSwitch } from "@/room/ways.js";

const ICONS = { good: "circle-check", slow: "triangle-alert", bad: "circle-x", wait: "loader-circle" };

/** @typedef {"good" | "slow" | "bad" | "wait"} Mark */

export class Check {
  #meter = new Meter();
  #timer = 0;
  #heard = false;
  /** @type {Record<string, Mark>} */
  #marks = { camera: "wait", mic: "wait", network: "wait" };

  /**
   * @param {HTMLElement} root @param {import("@/room/devices.js").Devices} devices
   * @param {import("@/room/signal.js").Signal} signal @param {(wish: {mic: boolean, camera: boolean}) => void} join
   */
  constructor(root, devices, signal, join) {
    this.root = root;
    this.devices = devices;
    this.signal = signal;
    this.video = /** @type {HTMLVideoElement} */ (root.querySelector("video"));
    this.level = /** @type {HTMLMeterElement} */ (root.querySelector("meter"));
    const leave = (/** @type {{mic: boolean, camera: boolean}} */ wish) => {
      this.#end();
      join(wish);
    };
    this.#on("[data-join]", () => leave({ mic: devices.has("mic"), camera: devices.has("camera") }));
    this.#on("[data-join-audio]", () => leave({ mic: devices.has("mic"), camera: false }));
    this.#on("[data-again]", () => this.start());
    startSwitch(root, () => this.#network());
    this.#on("[data-tone]", () => playTone(devices.kept.speaker));
    this.extras = new ExtrasCheck(root, devices);
    this.fill = startChoices(root, devices, (name, value) => {
      if (name === "mic" || name === "camera") this.#open(name);
      else if (name === "clinical" || name === "stethoscope") this.extras.choose(name, value);
    });
  }

  async start() {
    clearInterval(this.#timer);
    this.#timer = window.setInterval(() => this.#draw(), 100);
    this.root.querySelector("[data-tone]")?.removeAttribute("disabled");
    await Promise.all([this.#open("mic"), this.#open("camera"), this.#network()]);
    if (!this.#timer) return; // joined meanwhile: the devices are the call's
    await this.extras.start();
    await this.fill();
  }

  #end() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#meter.listen(null);
    this.extras.end();
    this.video.srcObject = null;
  }

  /** @param {"mic" | "camera"} kind */
  async #open(kind) {
    this.#mark(kind, "wait", gettext("testing…"), "");
    try {
      const track = await this.devices.open(kind);
      if (!this.#timer) return;
      if (kind === "camera") this.#picture(track);
      else this.#meter.listen(track);
      this.#mark(kind, "good", kind === "camera" ? gettext("works") : gettext("works: speak and see the bar move"), "");
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (kind === "camera") this.#picture(null);
      this.#mark(kind, "bad", short(error.code), error.words);
    }
  }

  /** @param {MediaStreamTrack | null} track */
  #picture(track) {
    this.video.srcObject = track ? new MediaStream([track]) : null;
    /** @type {HTMLElement} */ (this.root.querySelector("[data-no-picture]")).hidden = track !== null;
  }

  async #network() {
    this.#mark("network", "wait", gettext("testing…"), "");
    try {
      const { trip, way } = await probe(this.signal);
      const figures = `${inWords(way, trip)} ${advice(way)}`.trim();
      if (trip < 0.3) this.#mark("network", "good", gettext("good"), figures);
      else this.#mark("network", "slow", gettext("slow"), `${figures} ${gettext("Sound goes first; the picture may be small.")}`);
    } catch {
      this.#mark("network", "bad", gettext("not reached"), noWay());
    }
  }

  /** @param {string} name @param {Mark} mark @param {string} words @param {string} help */
  #mark(name, mark, words, help) {
    this.#marks[name] = mark;
    const row = /** @type {HTMLElement} */ (this.root.querySelector(`[data-row="${name}"]`));
    row.className = mark === "wait" ? "" : `check-${mark}`;
    row.querySelector(".icon")?.replaceWith(icon(ICONS[mark]));
    /** @type {HTMLElement} */ (row.querySelector("[data-words]")).textContent = words;
    const place = /** @type {HTMLElement} */ (row.querySelector("[data-help]"));
    place.textContent = help;
    place.hidden = help === "";
    this.#sum();
  }

  #sum() {
    const marks = Object.values(this.#marks);
    const waits = marks.includes("wait");
    const ready = !waits && !marks.includes("bad");
    const box = /** @type {HTMLElement} */ (this.root.querySelector("[data-ready]"));
    box.classList.toggle("check-ready-yes", ready);
    const words = waits ? gettext("Checking…") : ready ? gettext("Ready") : gettext("You can join, but not everything works");
    const word = /** @type {HTMLElement} */ (box.querySelector(".check-word"));
    word.replaceChildren(icon(waits ? "loader-circle" : ready ? "circle-check" : "triangle-alert"), words);
    const audio = /** @type {HTMLElement} */ (this.root.querySelector("[data-join-audio]"));
    audio.hidden = this.#marks.camera !== "good";
  }

  #draw() {
    const level = this.#meter.level();
    this.level.value = level;
    if (level > 0.25 && !this.#heard && this.#marks.mic === "good") {
      this.#heard = true;
      this.#mark("mic", "good", gettext("hears you"), "");
    }
  }

  /** @param {string} selector @param {() => void} act */
  #on(selector, act) {
    this.root.querySelector(selector)?.addEventListener("click", act);
  }
}

/** @param {string} code */
function short(code) {
  const words = { blocked: gettext("blocked"), missing: gettext("not found"), busy: gettext("in use") };
  return /** @type {Record<string, string>} */ (words)[code] ?? gettext("does not work");
}
