// @ts-check
/** Looking at the same: sends one's view and pointer, at most one message a tick, and draws the others' pointers. */
import { element } from "@/base/dom.js";
import { Followers } from "@/viewer/followers.js";
import { fromMessage, isSame, toMessage } from "@/viewer/sight.js";
import { fromWire } from "@/viewer/view.js";

/** @typedef {import("@/viewer/sight.js").Sight} Sight */
/** @typedef {{sight: Sight, whole: boolean, by: string}} There `whole`: also window, zoom and middle */
/** @typedef {{readonly sight: Sight | null, readonly mpr: {box: HTMLElement}, goTo(sight: Sight, whole: boolean): void, paneWith(image: number, frame: number): import("@/viewer/pane.js").Pane | undefined,
 *   nameOf(username: string): string, changed(): void}} Place */

const TICK = 80; // ms: 12 messages a second leave room for everything else on the socket
const STALE = 6000;

export class Together {
  following = true;
  /** @type {Map<string, {message: any, at: number, mark: HTMLElement}>} */ #others = new Map();
  /** @type {Sight | null} to be sent */ #sight = null;
  /** @type {any} */ #pointer = null;
  /** @type {any} */ #last = null;
  pointing = false;
  /** @type {Sight | null} what this person gave the others to see */ #led = null;
  #leader = ""; // whom this person follows
  /** @type {Set<string> | null} sessions in the call, null before they were told */ #sessions = null;
  /** @type {There | null} */ #elsewhere = null;

  /** @param {HTMLElement} viewport @param {((message: any) => void) | undefined} send @param {Place} place */
  constructor(viewport, send, place) {
    this.viewport = viewport;
    this.send = send;
    this.place = place;
    this.call = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "button button-primary button-small", "data-go-there": "" }));
    Object.assign(this.call.style, { position: "absolute", insetInline: "0", bottom: "76px", marginInline: "auto", width: "max-content", zIndex: "2" });
    this.call.hidden = true;
    this.call.addEventListener("click", () => this.go());
    viewport.append(this.call);
    this.followers = new Followers((username) => place.nameOf(username));
    this.#tellHow();
    this.timer = send ? window.setInterval(() => this.#tick(), TICK) : 0;
  }

  /** This person moved: they lead. */
  moved() {
    const { sight } = this.place;
    if (!sight) return;
    this.#sight = this.#led = sight;
    const view = sight.panes[sight.active];
    if (this.#last && this.pointing && view) this.#pointer = { ...this.#last, image: view.image, frame: view.frame };
    this.#settle(null);
    this.draw();
  }

  /** @param {number} image @param {number} frame @param {number} x @param {number} y @param {boolean} on */
  point(image, frame, x, y, on) {
    if (!on && this.#pointer === null && !this.pointing) return;
    this.pointing = on;
    const within = (/** @type {number} */ value) => Math.round(Math.min(Math.max(value, 0), 1) * 1e7) / 1e7;
    this.#pointer = this.#last = { t: "pointer", image, frame, x: within(x), y: within(y), on };
  }

  #tick() {
    if (this.#sight) {
      this.send?.(toMessage(this.#sight));
      this.#sight = null;
    } else if (this.#pointer) {
      this.send?.(this.#pointer);
      this.#pointer = null;
    }
    for (const [by, other] of this.#others) if (Date.now() - other.at > STALE) this.#forget(by);
  }

  /** @param {any} message */
  receive(message) {
    if (message.t === "view") this.#seen({ sight: fromMessage(message), whole: true, by: message.by });
    else if (message.t === "pointer") this.#pointed(message);
    else if (message.t === "left") this.#forget(message.username);
    else if (message.t === "people") this.#met(message.people);
    else if (message.t === "follow") this.followers.set(message.by, message.how);
    this.draw();
  }

  /** Who comes, or comes back after a reload, is shown what all look at: by who leads, or by a follower in their stead. @param {{session: string, username: string}[]} people */
  #met(people) {
    const known = this.#sessions;
    this.#sessions = new Set(people.map((person) => person.session));
    const came = people.filter((person) => known && !known.has(person.session));
    this.followers.keep(people.map((person) => person.username));
    if (!came.length) return;
    this.#tellHow();
    const isLeaderHere = people.some((person) => person.username === this.#leader && !came.includes(person));
    if (!this.#led && this.following && this.#leader && !isLeaderHere) this.#led = this.place.sight;
    if (this.#led) this.#sight = this.#led;
  }

  /** @param {any} message */
  #pointed(message) {
    if (!message.on) return this.#forget(message.by);
    const known = this.#others.get(message.by);
    const mark = known?.mark ?? element("div", { class: "pointer", "data-pointer": message.by });
    mark.replaceChildren(element("span", {}, this.place.nameOf(message.by)));
    this.#others.set(message.by, { message, at: Date.now(), mark });
    const { image, frame } = message;
    const here = this.place.sight;
    if (here && !here.panes[here.active]?.mpr && !here.panes.some((view) => view?.image === image && view?.frame === frame)) {
      const panes = here.panes.map((view, index) => (index === here.active ? { ...fromWire({ image, frame }), ...view, image, frame } : view));
      this.#seen({ sight: { ...here, panes }, whole: false, by: message.by });
    }
    this.draw();
  }

  /** @param {There} there */
  #seen(there) {
    if (this.following) {
      if (!isSame(there.sight, this.#led)) {
        this.#led = null;
        this.#leader = there.by;
      }
      this.#settle(null);
      this.place.goTo(there.sight, there.whole);
    } else this.#settle(there);
  }

  /** @param {There | null} there */
  #settle(there) {
    this.#elsewhere = there;
    this.call.hidden = there === null;
    if (there) this.call.textContent = interpolate(gettext("Go to where %(name)s looks"), { name: this.place.nameOf(there.by) }, true);
  }

  go() {
    const there = this.#elsewhere;
    this.#settle(null);
    if (there) this.place.goTo(there.sight, there.whole);
  }

  toggle() {
    this.following = !this.following;
    if (this.following) this.go();
    this.#tellHow();
    this.place.changed();
  }

  #tellHow() {
    this.send?.({ t: "follow", how: this.following ? "follows" : "free" });
  }

  /** Puts every pointer where it belongs on this screen, and who follows into the active pane. */
  draw() {
    this.followers.draw(this.#led !== null, this.place.mpr.box);
    for (const { message, mark } of this.#others.values()) {
      const pane = this.place.paneWith(message.image, message.frame);
      mark.hidden = !pane;
      mark.style.display = mark.hidden ? "none" : "";
      if (!pane) continue;
      if (mark.parentElement !== pane.box) pane.box.append(mark);
      const { x, y } = pane.stage.toScreen(message.x, message.y);
      mark.style.translate = `${x}px ${y}px`;
    }
  }

  /** @param {string} by */
  #forget(by) {
    this.#others.get(by)?.mark.remove();
    this.#others.delete(by);
  }

  destroy() {
    clearInterval(this.timer);
    this.send?.({ t: "follow", how: "closed" });
    this.call.remove();
    this.followers.destroy();
    for (const by of [...this.#others.keys()]) this.#forget(by);
  }
}
