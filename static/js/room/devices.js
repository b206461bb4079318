// @ts-check
/** Cameras, microphones, stethoscope, speaker and screen of this computer: opened, changed, remembered. Knows no call. */
import { DeviceError, explain } from "@/room/trouble.js";

const KEPT = "room.devices";
const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
/** Heart and lung sounds lie where processing for speech cuts: all of it is off. */
const WISHES = {
  mic: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  camera: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } },
  clinical: { width: { ideal: 1920, max: 1920 }, height: { ideal: 1080, max: 1080 }, frameRate: { ideal: 24, max: 30 } },
  stethoscope: { ...RAW, channelCount: { ideal: 2 }, sampleRate: { ideal: 48_000 } },
};

/** @typedef {"mic" | "camera" | "clinical" | "stethoscope"} Kind */
/** @typedef {"document" | "ultrasound" | "dermatoscope" | "other"} ClinicalKind */
/** @typedef {{mic?: string, camera?: string, speaker?: string, clinical?: string, clinicalKind?: ClinicalKind, stethoscope?: string, micOn?: boolean, cameraOn?: boolean}} Kept device ids */

/** @param {string} kind */
export const isSound = (kind) => kind === "mic" || kind === "stethoscope";

/**
 * Sends `changed` (a device came or went), `lost` (detail: {kind, id}; the one in use is gone) and `quiet` (detail: {kind,
 * quiet}: its own switch or the system lets nothing through).
 */
export class Devices extends EventTarget {
  /** @type {Map<Kind, MediaStreamTrack>} */
  #tracks = new Map();
  /** @type {Map<Kind, {wish: string, track: Promise<MediaStreamTrack>}>} */
  #opening = new Map();
  /** @type {Kept} */
  #kept = read();
  movable = false; // whether the camera is opened so that it can be moved

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#tell("changed"));
  }

  get kept() {
    return this.#kept;
  }

  /** @param {Kept} more */
  keep(more) {
    this.#kept = { ...this.#kept, ...more };
    localStorage.setItem(KEPT, JSON.stringify(this.#kept));
  }

  /** @param {Kind} kind @returns {MediaStreamTrack | null} */
  track(kind) {
    return this.#tracks.get(kind) ?? null;
  }

  /** Open, or about to be. @param {Kind} kind */
  has(kind) {
    return this.#tracks.has(kind) || this.#opening.has(kind);
  }

  /**
   * Open the remembered device of this kind, or the one the browser prefers; one that is just being opened is waited for.
   * @param {Kind} kind @returns {Promise<MediaStreamTrack>} rejects with DeviceError; ended already when it was closed meanwhile
   */
  open(kind) {
    const before = this.#opening.get(kind);
    const wish = `${this.#kept[kind]} ${this.movable}`;
    if (before?.wish === wish) return before.track;
    /** @returns {Promise<MediaStreamTrack>} */
    const open = async () => {
      await before?.track.catch(() => null); // two at once would fight for the device
      return this.#openAnew(kind, () => this.#opening.get(kind) === opening);
    };
    /** @type {{wish: string, track: Promise<MediaStreamTrack>}} */
    const opening = { wish, track: open() };
    this.#opening.set(kind, opening);
    const over = () => this.#opening.get(kind) === opening && this.#opening.delete(kind);
    opening.track.then(over, over);
    return opening.track;
  }

  /** @param {Kind} kind @param {() => boolean} isWanted @returns {Promise<MediaStreamTrack>} */
  async #openAnew(kind, isWanted) {
    const old = this.#tracks.get(kind);
    if (old) old.stop(); // some cameras cannot be open twice
    this.#tracks.delete(kind);
    const track = await ask(kind, this.#kept[kind], kind === "camera" && this.movable);
    if (!isWanted()) {
      track.stop();
      return track;
    }
    this.#tracks.set(kind, track);
    if (kind === "clinical") track.contentHint = "detail";
    if (kind === "stethoscope") track.contentHint = "music";
    /** @param {string} name @param {() => void} act */
    const on = (name, act) => track.addEventListener(name, () => this.#tracks.get(kind) === track && act());
    on("ended", () => this.#lost(kind, track.getSettings().deviceId ?? ""));
    on("mute", () => this.#tell("quiet", { kind, quiet: true }));
    on("unmute", () => this.#tell("quiet", { kind, quiet: false }));
    return track;
  }

  /** @param {Kind} kind */
  close(kind) {
    this.#opening.delete(kind);
    this.#tracks.get(kind)?.stop();
    this.#tracks.delete(kind);
  }

  /** @returns {Promise<Record<Kind | "speaker", MediaDeviceInfo[]>>} those that can be chosen */
  async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const named = all.filter((device) => device.deviceId && device.label);
    /** @param {string} kind */
    const of = (kind) => named.filter((device) => device.kind === kind);
    const [sounds, pictures] = [of("audioinput"), of("videoinput")];
    return { mic: sounds, stethoscope: sounds, camera: pictures, clinical: pictures, speaker: of("audiooutput") };
  }

  /** @returns {Promise<{picture: MediaStreamTrack, sound: MediaStreamTrack | null} | null>} null when the person chose nothing */
  async openScreen() {
    // The sound of the whole system holds the voices of this very call: only where the browser leaves them out.
    const own = /** @type {any} */ (navigator.mediaDevices.getSupportedConstraints()).restrictOwnAudio === true;
    const audio = { ...RAW, ...(own ? { restrictOwnAudio: true } : {}) };
    const wish = { video: { frameRate: { max: 15 } }, audio, systemAudio: own ? "include" : "exclude", selfBrowserSurface: "exclude" };
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(/** @type {DisplayMediaStreamOptions} */ (wish));
      const [picture, sound = null] = [stream.getVideoTracks()[0], ...stream.getAudioTracks()];
      picture.contentHint = "detail";
      if (sound) sound.contentHint = "music";
      return { picture, sound };
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") return null;
      throw new DeviceError("screen", gettext("The screen could not be shared. Try again, or choose another window."));
    }
  }

  /** @param {Kind} kind @param {string} id */
  #lost(kind, id) {
    this.#tracks.delete(kind);
    this.#tell("lost", { kind, id });
  }

  /** @param {string} name @param {unknown} [detail] */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {Kind} kind @param {string | undefined} id @param {boolean} movable @returns {Promise<MediaStreamTrack>} */
async function ask(kind, id, movable) {
  if (!navigator.mediaDevices) {
    throw new DeviceError("insecure", gettext("Camera and microphone need a secure address (https)."));
  }
  // A second camera that is not there must not become the first one.
  const which = !id ? {} : { deviceId: kind === "mic" || kind === "camera" ? { ideal: id } : { exact: id } };
  const wish = { ...WISHES[kind], ...which, ...(movable ? { pan: true, tilt: true, zoom: true } : {}) };
  try {
    const stream = await navigator.mediaDevices.getUserMedia(isSound(kind) ? { audio: wish } : { video: wish });
    return stream.getTracks()[0];
  } catch (error) {
    throw explain(kind, error);
  }
}

/** @returns {Kept} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}
