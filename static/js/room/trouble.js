// @ts-check
/** Why a device cannot be used, in words that say what to do. */

/** A device that cannot be used: `words` say what to do. */
export class DeviceError extends Error {
  /** @param {string} code `blocked`, `missing`, `busy`, `insecure`, `screen` or `failed` @param {string} words */
  constructor(code, words) {
    super(code);
    this.code = code;
    this.words = words;
  }
}

/** @type {Record<string, string>} what getUserMedia rejects with -> our code */
const CODES = {
  NotAllowedError: "blocked",
  SecurityError: "blocked",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** @param {import("@/room/devices.js").Kind} kind @param {unknown} error @returns {DeviceError} */
export function explain(kind, error) {
  const code = CODES[error instanceof DOMException ? error.name : ""] ?? "failed";
  return new DeviceError(code, WORDS[kind]()[code]);
}

/** The device in use was pulled out. @param {import("@/room/devices.js").Kind} kind */
export function gone(kind) {
  return WORDS[kind]().gone;
}

const CAMERA = () => ({
  blocked: gettext("The camera is blocked. Click the sign in the address bar, choose “Allow”, then test again."),
  missing: gettext("No camera found. Plug one in, or join without one."),
  busy: gettext("Another program uses the camera. Close it, then test again."),
  failed: gettext("The camera does not work."),
  gone: gettext("The camera was unplugged. The call goes on without its picture."),
});

const MICROPHONE = () => ({
  blocked: gettext("The microphone is blocked. Click the sign in the address bar, choose “Allow”, then test again."),
  missing: gettext("No microphone found. Plug one in, or join without one."),
  busy: gettext("Another program uses the microphone. Close it, then test again."),
  failed: gettext("The microphone does not work."),
  gone: gettext("The microphone was unplugged. Nobody hears you until there is another one."),
});

/** @type {Record<import("@/room/devices.js").Kind, () => Record<string, string>>} */
const WORDS = {
  camera: CAMERA,
  mic: MICROPHONE,
  clinical: () => ({
    ...CAMERA(),
    missing: gettext("The second camera is not there. Plug it in, or choose another one under Devices."),
    busy: gettext("Another program uses the second camera. Close it, then try again."),
    failed: gettext("The second camera does not work."),
    gone: gettext("The second camera was unplugged. The call goes on without its picture."),
  }),
  stethoscope: () => ({
    ...MICROPHONE(),
    missing: gettext("The stethoscope is not there. Plug it in, or choose another input under Devices."),
    busy: gettext("Another program uses the stethoscope. Close it, then try again."),
    failed: gettext("The stethoscope does not work."),
    gone: gettext("The stethoscope was unplugged. The call goes on without its sound."),
  }),
};
