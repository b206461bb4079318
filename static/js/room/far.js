// @ts-check
/** Moving a camera of the far side: the answering side asks, the patient's side lends, sees it all the time, takes it back. */
import { element, icon } from "@/base/dom.js";
import { Mount } from "@/room/mount.js";

const STEP = 0.08; // of the whole range
const REPEAT = 250; // ms while a button is held: 4 steps a second, the site passes 6
/** @type {[string, string, () => string, Partial<{pan: number, tilt: number, zoom: number}>][]} */
const STEPS = [
  ["left", "chevron-left", () => gettext("Left"), { pan: -STEP }],
  ["right", "chevron-right", () => gettext("Right"), { pan: STEP }],
  ["up", "chevron-up", () => gettext("Up"), { tilt: STEP }],
  ["down", "chevron-down", () => gettext("Down"), { tilt: -STEP }],
  ["closer", "zoom-in", () => gettext("Closer"), { zoom: STEP }],
  ["wider", "zoom-out", () => gettext("Wider"), { zoom: -STEP }],
];

export class Far {
  #borrowed = ""; // the session whose camera this page moves
  #pad = element("div", { class: "far-pad", role: "group" });
  /** @type {Record<string, HTMLButtonElement>} */
  #buttons = {};
  #timer = 0;

  /**
   * @param {HTMLElement} root @param {import("@/room/call.js").Call} call @param {import("@/room/own.js").Own} own
   * @param {import("@/room/notices.js").Notices} notices
   */
  constructor(root, call, own, notices) {
    this.root = root;
    this.call = call;
    this.notices = notices;
    this.mount = new Mount(call, own, notices);
    this.#furnish();
    root.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-move]") : null;
      const tile = button?.closest("[data-tile-key]");
      if (tile instanceof HTMLElement) this.#ask((tile.dataset.tileKey ?? "").slice("camera:".length));
    });
    call.signal.addEventListener("camera", (event) => this.#hear(/** @type {CustomEvent} */ (event).detail));
    call.addEventListener("left", (event) => {
      if (/** @type {CustomEvent} */ (event).detail.session === this.#borrowed) this.#end("");
    });
  }

  /** @param {string} session */
  #nameOf(session) {
    return this.call.people.find((person) => person.session === session)?.name ?? "";
  }

  /** @param {string} session */
  #ask(session) {
    if (session === this.#borrowed) return this.#giveBack();
    this.call.signal.send({ t: "camera", to: session, act: "ask" });
    const text = interpolate(gettext("%(name)s is asked to let you move the camera…"), { name: this.#nameOf(session) }, true);
    this.notices.say("far", { icon: "move", text }, 30_000);
  }

  /** @param {{session: string, act: string, pan: number | null, tilt: number | null, zoom: number | null}} message */
  #hear(message) {
    const { session, act } = message;
    if (act === "ask" || act === "drop") return this.mount.hear(message, this.#nameOf(session));
    const name = this.#nameOf(session);
    /** @param {string} words */
    const say = (words) => this.#end(interpolate(words, { name }, true));
    if (act === "grant") this.#begin(session);
    if (act === "refuse") say(gettext("%(name)s did not allow it."));
    if (act === "cannot") say(gettext("The camera of %(name)s cannot be moved from afar."));
    if (act === "revoke" && session === this.#borrowed) say(gettext("%(name)s has taken the camera back."));
    if ((act === "grant" || act === "at") && session === this.#borrowed) this.#show(message);
  }

  /** @param {string} session */
  #begin(session) {
    this.#borrowed = session;
    this.notices.drop("far");
    const tile = this.root.querySelector(`[data-tile-key="camera:${session}"]`);
    this.#pad.setAttribute("aria-label", interpolate(gettext("Move the camera of %(name)s"), { name: this.#nameOf(session) }, true));
    tile?.append(this.#pad);
    this.#buttons.left.focus({ preventScroll: true });
  }

  /** What the camera cannot do is not offered, nor a step beyond its end. @param {Record<string, any>} at */
  #show(at) {
    for (const [name, , , step] of STEPS) {
      const [axis, way] = Object.entries(step)[0];
      const value = at[axis];
      this.#buttons[name].hidden = value === null;
      this.#buttons[name].disabled = way > 0 ? value >= 1 : value <= 0;
    }
  }

  #giveBack() {
    this.call.signal.send({ t: "camera", to: this.#borrowed, act: "drop" });
    this.#end("");
  }

  /** @param {string} words */
  #end(words) {
    clearInterval(this.#timer);
    this.#borrowed = "";
    this.#pad.remove();
    if (words) this.notices.say("far", { icon: "move", text: words }, 8000);
    else this.notices.drop("far");
  }

  #furnish() {
    for (const [name, symbol, words, step] of STEPS) {
      const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: `button button-icon button-small far-${name}`, "aria-label": words(), "data-step": name }, icon(symbol)));
      const go = () => this.call.signal.send({ t: "steer", to: this.#borrowed, ...step });
      const hold = () => {
        clearInterval(this.#timer);
        this.#timer = window.setInterval(() => (button.disabled ? clearInterval(this.#timer) : go()), REPEAT);
      };
      button.addEventListener("click", go);
      button.addEventListener("pointerdown", hold);
      for (const end of ["pointerup", "pointerleave", "pointercancel"]) button.addEventListener(end, () => clearInterval(this.#timer));
      this.#buttons[name] = button;
      this.#pad.append(button);
    }
    const back = element("button", { type: "button", class: "button button-small far-back" }, gettext("Give back"));
    back.addEventListener("click", () => this.#giveBack());
    this.#pad.append(back);
    this.#pad.addEventListener("click", (event) => event.stopPropagation()); // the tile below would change its size
  }
}
