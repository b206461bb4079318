// @ts-check
/** Camera, microphone, speaker and screen of this computer: opened, changed, remembered. Knows no call. */

const KEPT = "room.devices";
const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } };
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** @typedef {"mic" | "camera"} Kind */
/** @typedef {{mic?: string, camera?: string, speaker?: string, micOn?: boolean, cameraOn?: boolean}} Kept */

/** A device that cannot be used: `words` say what to do. */
export class DeviceError extends Error {
  /** @param {string} code @param {string} words */
  constructor(code, words) {
    super(code);
    this.code = code;
    this.words = words;
  }
}

/** Sends `changed` (a device came or went), `lost` (detail: kind; the one in use is gone). */
export class Devices extends EventTarget {
  /** @type {Map<Kind, MediaStreamTrack>} */
  #tracks = new Map();
  /** @type {Kept} */
  #kept = read();

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.dispatchEvent(new CustomEvent("changed")));
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

  /**
   * Open the remembered device of this kind, or the one the browser prefers.
   * @param {Kind} kind @returns {Promise<MediaStreamTrack>} rejects with DeviceError
   */
  async open(kind) {
    const old = this.#tracks.get(kind);
    if (old) old.stop(); // some cameras cannot be open twice
    this.#tracks.delete(kind);
    const track = await ask(kind, this.#kept[kind]);
    this.#tracks.set(kind, track);
    track.addEventListener("ended", () => this.#tracks.get(kind) === track && this.#lost(kind));
    return track;
  }

  /** @param {Kind} kind */
  close(kind) {
    this.#tracks.get(kind)?.stop();
    this.#tracks.delete(kind);
  }

  /** @param {Kind} kind @param {string} id */
  choose(kind, id) {
    this.keep({ [kind]: id });
    return this.open(kind);
  }

  /** @returns {Promise<Record<"mic" | "camera" | "speaker", MediaDeviceInfo[]>>} those that can be chosen */
  async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const named = all.filter((device) => device.deviceId && device.label);
    /** @param {string} kind */
    const of = (kind) => named.filter((device) => device.kind === kind);
    return { mic: of("audioinput"), camera: of("videoinput"), speaker: of("audiooutput") };
  }

  /** @returns {Promise<MediaStreamTrack | null>} null when the person chose nothing */
  async openScreen() {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
      const [track] = stream.getVideoTracks();
      track.contentHint = "detail";
      return track;
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") return null;
      throw new DeviceError("screen", gettext("The screen could not be shared. Try again, or choose another window."));
    }
  }

  /** @param {Kind} kind */
  #lost(kind) {
    this.#tracks.delete(kind);
    this.dispatchEvent(new CustomEvent("lost", { detail: kind }));
  }
}

/** @param {Kind} kind @param {string} [id] @returns {Promise<MediaStreamTrack>} */
async function ask(kind, id) {
  if (!navigator.mediaDevices) {
    throw new DeviceError("insecure", gettext("Camera and microphone need a secure address (https)."));
  }
  const wish = { ...(kind === "mic" ? MICROPHONE : CAMERA), ...(id ? { deviceId: { ideal: id } } : {}) };
  try {
    const stream = await navigator.mediaDevices.getUserMedia(kind === "mic" ? { audio: wish } : { video: wish });
    return stream.getTracks()[0];
  } catch (error) {
    throw explain(kind, error);
  }
}

/** @param {Kind} kind @param {unknown} error */
function explain(kind, error) {
  const name = error instanceof DOMException ? error.name : "";
  const mic = kind === "mic";
  if (name === "NotAllowedError" || name === "SecurityError") {
    const words = mic
      ? gettext("The microphone is blocked. Click the sign in the address bar, choose “Allow”, then test again.")
      : gettext("The camera is blocked. Click the sign in the address bar, choose “Allow”, then test again.");
    return new DeviceError("blocked", words);
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") {
    const words = mic
      ? gettext("No microphone found. Plug one in, or join without one.")
      : gettext("No camera found. Plug one in, or join without one.");
    return new DeviceError("missing", words);
  }
  if (name === "NotReadableError" || name === "AbortError") {
    const words = mic
      ? gettext("Another program uses the microphone. Close it, then test again.")
      : gettext("Another program uses the camera. Close it, then test again.");
    return new DeviceError("busy", words);
  }
  const words = mic ? gettext("The microphone does not work.") : gettext("The camera does not work.");
  return new DeviceError("failed", words);
}

/** @returns {Kept} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}
