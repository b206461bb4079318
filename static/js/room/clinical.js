// @ts-check
/** The second camera: a document camera, an ultrasound grabber, a dermatoscope. */
import { Extra } from "@/room/extra.js";

/** @typedef {import("@/room/devices.js").ClinicalKind} ClinicalKind */

export class Clinical extends Extra {
  /** @param {import("@/room/call.js").Call} call @param {import("@/room/devices.js").Devices} devices */
  constructor(call, devices) {
    super("clinical", call, devices);
  }

  /** @returns {ClinicalKind} */
  get what() {
    return this.devices.kept.clinicalKind ?? "document";
  }

  show() {
    this.call.show({ clinical: this.track ? this.what : "" });
  }
}

/** What a second camera is called. @param {string} kind */
export function clinicalName(kind) {
  const names = { document: gettext("Document camera"), ultrasound: gettext("Ultrasound"), dermatoscope: gettext("Dermatoscope") };
  return /** @type {Record<string, string>} */ (names)[kind] ?? gettext("Second camera");
}

/** @param {string} kind @param {string} name */
export function clinicalOf(kind, name) {
  const words = {
    document: gettext("Document camera of %(name)s"),
    ultrasound: gettext("Ultrasound of %(name)s"),
    dermatoscope: gettext("Dermatoscope of %(name)s"),
  };
  return interpolate(/** @type {Record<string, string>} */ (words)[kind] ?? gettext("Second camera of %(name)s"), { name }, true);
}
