// @ts-check
/** The bar below: every act of the call by button and by key. */
import { icon } from "@/base/dom.js";
import { startChoices } from "@/room/choices.js";

const ICONS = { mic: ["mic", "mic-off"], camera: ["video", "video-off"], screen: ["monitor-x", "monitor-up"] };

/**
 * @param {HTMLElement} root
 * @param {{own: import("@/room/own.js").Own, panel: import("@/room/panel.js").Panel, leave: () => void, equipment: import("@/room/equipment.js").Equipment}} parts
 */
export function startControls(root, { own, panel, leave, equipment }) {
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
  const dialog = /** @type {HTMLElement} */ (document.getElementById("device-dialog"));
  const fill = startChoices(dialog, own.devices, (name, value) => {
    if (name === "mic" || name === "camera") own.choose(name, value);
    else if (name === "speaker") own.dispatchEvent(new CustomEvent("speaker", { detail: value }));
    else equipment.chosen(name, value);
  });
  document.querySelector("[data-opens=device-dialog]")?.addEventListener("click", fill);
}

/** @param {HTMLButtonElement} button @param {boolean} on @param {string[]} icons */
export function paint(button, on, [yes, no]) {
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
