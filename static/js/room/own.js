// @ts-check
/**
 * One's own microphone, camera and screen in the call: on, off, changed, lost. Sends `changed`, `problem` (detail: {name,
 * words; empty: it is over}), `gone` (detail: {kind, next}: pulled out; another device, if there is one) and `unshared`.
 */
import { DeviceError } from "@/room/trouble.js";

export class Own extends EventTarget {
  screen = /** @type {MediaStreamTrack | null} */ (null);
  #screenSound = /** @type {MediaStreamTrack | null} */ (null);
  on = { mic: false, camera: false, screen: false };

  /** @param {import("@/room/call.js").Call} call @param {import("@/room/devices.js").Devices} devices */
  constructor(call, devices) {
    super();
    this.call = call;
    this.devices = devices;
    devices.addEventListener("lost", (event) => this.#gone(/** @type {CustomEvent} */ (event).detail));
  }

  /** Start as the check left it. @param {{mic: boolean, camera: boolean}} wish */
  async start(wish) {
    await Promise.all([this.set("mic", wish.mic), this.set("camera", wish.camera)]);
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
    if (this.screen) return this.#setScreen(null, null);
    try {
      const opened = await this.devices.openScreen();
      if (!opened) return;
      const { picture, sound } = opened;
      picture.addEventListener("ended", () => this.screen === picture && this.#unshared());
      await this.#setScreen(picture, sound);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#problem("share", error.words);
    }
  }

  stop() {
    this.screen?.stop();
    this.#screenSound?.stop();
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
      if (track !== this.devices.track("camera")) return; // turned off while it was being opened
      if (track) await this.#send("camera", track);
      this.on.camera = track !== null;
      return;
    }
    this.on.camera = false;
    await this.#send("camera", null);
    this.devices.close("camera");
  }

  /** @param {MediaStreamTrack | null} picture @param {MediaStreamTrack | null} sound */
  async #setScreen(picture, sound) {
    this.screen?.stop();
    this.#screenSound?.stop();
    this.screen = picture;
    this.#screenSound = sound;
    this.on.screen = picture !== null;
    await this.call.publisher.put("screen", picture);
    await this.call.publisher.put("screen-sound", sound);
    this.#tell();
  }

  /** Ended in the browser's own bar, or with the window that was shown. */
  async #unshared() {
    await this.#setScreen(null, null);
    this.dispatchEvent(new CustomEvent("unshared"));
  }

  /** @param {"mic" | "camera"} kind @returns {Promise<MediaStreamTrack | null>} */
  async #open(kind) {
    try {
      const track = await this.devices.open(kind);
      this.#problem(kind, "");
      if (track === this.devices.track(kind)) await this.#send(kind, track);
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
    await this.call.publisher.put(kind, track);
  }

  /** The device in use was pulled out: the call goes on without it, another one is offered. @param {{kind: string, id: string}} lost */
  async #gone({ kind, id }) {
    if ((kind !== "mic" && kind !== "camera") || !this.on[kind]) return;
    this.on[kind] = false;
    await this.#send(kind, null);
    this.#tell();
    const others = (await this.devices.list())[kind];
    const next = others.find((device) => device.deviceId !== "default" && device.deviceId !== id) ?? null;
    this.dispatchEvent(new CustomEvent("gone", { detail: { kind, next } }));
  }

  /** Use that device from now on, also where there was none. @param {"mic" | "camera"} kind @param {string} id */
  async take(kind, id) {
    this.devices.keep({ [kind]: id });
    this.devices.close(kind);
    await this.set(kind, true);
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
