// @ts-check
/** The side panel: its width, hiding it, which tab is open; remembered on this computer. */
import { showTab } from "@/base/tabs.js";

const KEPT = "room.panel";
const STEP = 32;

export class Panel {
  /** @param {HTMLElement} side @param {HTMLButtonElement} toggle */
  constructor(side, toggle) {
    this.side = side;
    this.toggle = toggle;
    /** @type {{width?: number, hidden?: boolean, tab?: string}} */
    this.kept = read();
    if (this.kept.width) this.#setWidth(this.kept.width);
    this.#setHidden(this.kept.hidden ?? false);
    const tab = document.getElementById(this.kept.tab ?? "");
    if (tab && side.contains(tab)) showTab(tab);
    toggle.addEventListener("click", () => this.#setHidden(!side.hidden));
    side.addEventListener("tab:shown", (event) => this.#keep({ tab: /** @type {HTMLElement} */ (event.target).getAttribute("aria-labelledby") ?? "" }));
    const grip = /** @type {HTMLElement} */ (side.querySelector(".side-grip"));
    grip.addEventListener("pointerdown", (event) => this.#drag(grip, event));
    grip.addEventListener("keydown", (event) => this.#step(event));
  }

  /** Open the panel at a tab. @param {string} id */
  open(id) {
    this.#setHidden(false);
    const tab = document.getElementById(id);
    if (tab) showTab(tab);
    tab?.focus();
  }

  /** An image is shown: on a phone there is no room for both. */
  giveWay() {
    if (matchMedia("(max-width: 899px)").matches) this.#setHidden(true);
  }

  /** @param {boolean} hidden */
  #setHidden(hidden) {
    this.side.hidden = hidden;
    this.toggle.setAttribute("aria-expanded", String(!hidden));
    this.#keep({ hidden });
    if (!hidden) this.side.querySelector("[role=tabpanel]:not([hidden])")?.dispatchEvent(new CustomEvent("tab:shown"));
  }

  /** @param {HTMLElement} grip @param {PointerEvent} down */
  #drag(grip, down) {
    const from = this.side.offsetWidth;
    grip.setPointerCapture(down.pointerId);
    /** @param {PointerEvent} event */
    const move = (event) => this.#setWidth(from + down.clientX - event.clientX);
    grip.addEventListener("pointermove", move);
    grip.addEventListener("lostpointercapture", () => grip.removeEventListener("pointermove", move), { once: true });
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const way = event.key === "ArrowLeft" ? 1 : event.key === "ArrowRight" ? -1 : 0;
    if (!way) return;
    event.preventDefault();
    this.#setWidth(this.side.offsetWidth + way * STEP);
  }

  /** @param {number} width */
  #setWidth(width) {
    this.side.style.setProperty("--side-width", `${Math.round(width)}px`);
    this.#keep({ width: Math.round(width) });
  }

  /** @param {{width?: number, hidden?: boolean, tab?: string}} more */
  #keep(more) {
    this.kept = { ...this.kept, ...more };
    localStorage.setItem(KEPT, JSON.stringify(this.kept));
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}
