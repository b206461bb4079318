// @ts-check
/** The bar below: every act of the call by button and by key. */
import { element, icon } from "@/base/dom.js";

const ICONS = { mic: ["mic", "mic-off"], camera: ["video", "video-off"], screen: ["monitor-x", "monitor-up"] };

/**
 * @param {HTMLElement} root
 * @param {{own: import("@/room/own.js").Own, panel: import("@/room/panel.js").Panel, leave: () => void}} parts
 */
export function startControls(root, { own, panel, leave }) {
  /** @param {string} name */
  const button = (name) => /** @type {HTMLButtonElement} */ (root.querySelector(`[data-control="${name}"]`));
  const draw = () => {
    for (const kind of /** @type {const} */ (["mic", "camera", "screen"])) paint(button(kind), own.on[kind], ICONS[kind]);
    button("screen").classList.toggle("control-on", own.on.screen);
  };
  button("mic").addEventListener("click", () => own.set("mic", !own.on.mic));
  button("camera").addEventListener("click", () => busy(button("camera"), () => own.set("camera", !own.on.camera)));
  button("screen").addEventListener("click", () => own.toggleScreen());
  button("screen").hidden = !navigator.mediaDevices?.getDisplayMedia;
  button("chat").addEventListener("click", () => {
    panel.open("tab-chat");
    /** @type {HTMLElement | null} */ (panel.side.querySelector("[data-chat] textarea"))?.focus();
  });
  for (const way of document.querySelectorAll("[data-leave]")) {
    way.addEventListener("click", (event) => {
      event.preventDefault();
      leave();
    });
  }
  own.addEventListener("changed", draw);
  draw();
  startDeviceDialog(own);
}

/** @param {HTMLButtonElement} button @param {boolean} on @param {string[]} icons */
function paint(button, on, [yes, no]) {
  button.setAttribute("aria-pressed", String(on));
  const words = (on ? button.dataset.on : button.dataset.off) ?? "";
  /** @type {HTMLElement} */ (button.querySelector("[data-label]")).textContent = words;
  button.querySelector(".icon")?.replaceWith(icon(on ? yes : no));
}

/** @param {HTMLButtonElement} button @param {() => Promise<void>} act */
async function busy(button, act) {
  button.disabled = true;
  await act().finally(() => (button.disabled = false));
}

/** @param {import("@/room/own.js").Own} own */
function startDeviceDialog(own) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("device-dialog"));
  const fill = async () => {
    const found = await own.devices.list();
    for (const select of /** @type {NodeListOf<HTMLSelectElement>} */ (dialog.querySelectorAll("[data-in-call]"))) {
      const kind = /** @type {"mic" | "camera" | "speaker"} */ (select.dataset.inCall);
      const current = kind === "speaker" ? own.devices.kept.speaker : own.devices.track(kind)?.getSettings().deviceId;
      select.replaceChildren(...found[kind].map((device) => element("option", { value: device.deviceId }, device.label)));
      if (current) select.value = current;
      select.disabled = found[kind].length === 0;
    }
  };
  for (const select of /** @type {NodeListOf<HTMLSelectElement>} */ (dialog.querySelectorAll("[data-in-call]"))) {
    select.addEventListener("change", () => {
      const kind = /** @type {"mic" | "camera" | "speaker"} */ (select.dataset.inCall);
      if (kind !== "speaker") own.choose(kind, select.value);
      else {
        own.devices.keep({ speaker: select.value });
        own.dispatchEvent(new CustomEvent("speaker", { detail: select.value }));
      }
    });
  }
  own.devices.addEventListener("changed", fill);
  document.querySelector("[data-opens=device-dialog]")?.addEventListener("click", fill);
}
