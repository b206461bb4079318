// @ts-check
/** Which camera, microphone, speaker, second camera and stethoscope: the selects of the device check and of the call. */
import { element } from "@/base/dom.js";

/** @typedef {"mic" | "camera" | "speaker" | "clinical" | "stethoscope"} Name */

/** Those one may do without. @param {string} name */
const isExtra = (name) => name === "clinical" || name === "stethoscope";

/**
 * Fill every `select[data-device]` below `root` and follow what comes and goes; a change is kept, then told.
 * @param {HTMLElement} root @param {import("@/room/devices.js").Devices} devices
 * @param {(name: Name | "clinicalKind", value: string) => void} chosen
 * @returns {() => Promise<void>} fill again
 */
export function startChoices(root, devices, chosen) {
  const selects = /** @type {HTMLSelectElement[]} */ ([...root.querySelectorAll("select[data-device]")]);
  const kind = /** @type {HTMLSelectElement | null} */ (root.querySelector("select[data-clinical-kind]"));
  const fill = async () => {
    const found = await devices.list();
    for (const select of selects) draw(select, found, devices);
    if (kind) {
      kind.value = devices.kept.clinicalKind ?? "document";
      kind.disabled = !devices.kept.clinical;
    }
  };
  for (const select of selects) {
    select.addEventListener("change", () => {
      const name = /** @type {Name} */ (select.dataset.device);
      devices.keep({ [name]: select.value });
      if (kind) kind.disabled = !devices.kept.clinical;
      chosen(name, select.value);
    });
  }
  kind?.addEventListener("change", () => {
    devices.keep({ clinicalKind: /** @type {import("@/room/devices.js").ClinicalKind} */ (kind.value) });
    chosen("clinicalKind", kind.value);
  });
  devices.addEventListener("changed", fill);
  return fill;
}

/** @param {HTMLSelectElement} select @param {Record<Name, MediaDeviceInfo[]>} found @param {import("@/room/devices.js").Devices} devices */
function draw(select, found, devices) {
  const name = /** @type {Name} */ (select.dataset.device);
  const kept = devices.kept[name] ?? "";
  const current = (name === "speaker" ? "" : devices.track(name)?.getSettings().deviceId) ?? kept;
  const options = found[name].map((device) => element("option", { value: device.deviceId }, device.label));
  if (isExtra(name)) options.unshift(element("option", { value: "" }, gettext("None")));
  select.replaceChildren(...options);
  const wanted = current || kept;
  const known = [...select.options].some((option) => option.value === wanted);
  select.value = known ? wanted : (select.options[0]?.value ?? "");
  if ("hides" in select.dataset) select.hidden = found[name].length === 0;
  select.disabled = found[name].length === 0;
}
