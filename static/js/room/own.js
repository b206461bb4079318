// @ts-check
/** One's own microphone, camera and screen in the call: on, off, changed, lost. Sends `changed` and `problem`. */
import { DeviceError } from "@/room/devices.js";
import { Meter } from "@/room/meter.js";

export class Own extends EventTarget {
  screen = /** @type {MediaStreamTrack | null} */ (null);
  on = { mic: false, camera: false, screen: false };
  #meter = new Meter();

  /** @param {import("@/room/call.js").Call} call @param {import("@/room/devices.js").Devices} devices */
  constructor(call, devices) {
    super();
    this.call = call;
    this.devices = devices;
    devices.addEventListener("lost", (event) => this.#replace(/** @type {CustomEvent} */ (event).detail));
  }

  /** Start as the check left it. @param {{mic: boolean, camera: boolean}} wish */
  async start(wish) {
    await this.set("mic", wish.mic);
    await this.set("camera", wish.camera);
  }

  /** @param {"mic" | "camera"} kind @param {boolean} on */
  async set(kind, on) {
    if (kind === "mic") await this.#setMic(on);
    else await this.#setCamera(on);
    this.devices.keep({ [kind === "mic" ? "micOn" : "cameraOn"]: on });
    this.#tell();
  }

  /** @param {"mic" | "camera"} kind @param {string} id */
  async choose(kind, id) {
    this.devices.keep({ [kind]: id });
    if (kind === "camera" && !this.on.camera) return;
    const track = await this.#open(kind);
    if (kind === "mic" && track) track.enabled = this.on.mic;
    this.#tell();
  }

  async toggleScreen() {
    if (this.screen) return this.#setScreen(null);
    try {
      const track = await this.devices.openScreen();
      if (!track) return;
      track.addEventListener("ended", () => this.screen === track && this.#setScreen(null));
      await this.#setScreen(track);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#problem("share", error.words);
    }
  }

  /** Level of one's own voice, 0 when muted. */
  level() {
    return this.on.mic ? this.#meter.level() : 0;
  }

  stop() {
    this.screen?.stop();
    this.devices.close("mic");
    this.devices.close("camera");
  }

  /** @param {boolean} on */
  async #setMic(on) {
    const track = this.devices.track("mic") ?? (on ? await this.#open("mic") : null);
    if (track && track === this.devices.track("mic")) await this.#send("mic", track);
    if (track) track.enabled = on;
    this.on.mic = on && track !== null;
  }

  /** Off means the lamp goes out. @param {boolean} on */
  async #setCamera(on) {
    if (on) {
      const track = this.devices.track("camera") ?? (await this.#open("camera"));
      if (track) await this.#send("camera", track);
      this.on.camera = track !== null;
      return;
    }
    this.on.camera = false;
    await this.#send("camera", null);
    this.devices.close("camera");
  }

  /** @param {MediaStreamTrack | null} track */
  async #setScreen(track) {
    this.screen?.stop();
    this.screen = track;
    this.on.screen = track !== null;
    await this.call.publisher.put("screen", track);
    this.#tell();
  }

  /** @param {"mic" | "camera"} kind @returns {Promise<MediaStreamTrack | null>} */
  async #open(kind) {
    try {
      const track = await this.devices.open(kind);
      this.#problem(kind, "");
      await this.#send(kind, track);
      return track;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#problem(kind, error.words);
      await this.#send(kind, null);
      return null;
    }
  }

  /** @param {"mic" | "camera"} kind @param {MediaStreamTrack | null} track */
  async #send(kind, track) {
    if (kind === "mic") this.#meter.listen(track);
    await this.call.publisher.put(kind, track);
  }

  /** The device in use was pulled out: take another. @param {"mic" | "camera"} kind */
  async #replace(kind) {
    if (!this.on[kind]) return;
    const track = await this.#open(kind);
    this.on[kind] = track !== null;
    this.#tell();
  }

  #tell() {
    this.call.show({ mic: this.on.mic, cam: this.on.camera, screen: this.on.screen });
    this.dispatchEvent(new CustomEvent("changed"));
  }

  /** @param {string} name @param {string} words empty: it is over */
  #problem(name, words) {
    this.dispatchEvent(new CustomEvent("problem", { detail: { name, words } }));
  }
}
