// @ts-check
/**
 * Stills: ask for one of a camera, and take one when asked. The page of the camera takes the picture at its source and
 * sends it like any image; everybody sees how far it is. The rows of the site are the truth, `news` only rings.
 */
import { element } from "@/base/dom.js";
import { Sending } from "@/upload/sending.js";
import { grab } from "@/room/grab.js";

const LOOK_EVERY = 1000;
const NO_ANSWER = 20_000;
const STAY = 12_000;

/** @typedef {{pk: number, askedBy: {username: string, name: string}, of: {username: string, name: string}, source: string, sourceName: string, state: "asked" | "taken" | "failed", reason: string, percent: number | null, image: number | null}} Still */

export class Stills {
  /** @type {Set<number>} taken by this page */
  #taking = new Set();

  /**
   * @param {HTMLElement} root @param {import("@/room/call.js").Call} call @param {import("@/room/devices.js").Devices} devices
   * @param {import("@/room/notices.js").Notices} notices @param {string} me username
   */
  constructor(root, call, devices, notices, me) {
    this.urls = { ask: root.dataset.stillsUrl ?? "", upload: root.dataset.uploadUrl ?? "" };
    this.call = call;
    this.devices = devices;
    this.notices = notices;
    this.me = me;
    root.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-still]") : null;
      const tile = button?.closest("[data-tile]");
      if (tile instanceof HTMLElement) this.#ask(tile.dataset.tile ?? "", tile.dataset.source ?? "");
    });
    call.signal.addEventListener("news", (event) => {
      const { kind, seq } = /** @type {CustomEvent} */ (event).detail;
      if (kind === "still") this.#look(seq);
    });
  }

  /** @param {string} of username @param {string} source camera or clinical */
  async #ask(of, source) {
    const kind = this.call.people.find((person) => person.username === of)?.clinical || "other";
    const answer = await post(this.urls.ask, { of, source: source === "clinical" ? kind : "camera" });
    const said = answer ? await answer.json().catch(() => ({})) : {};
    if (answer?.status === 201) this.#follow(said);
    else this.notices.say("still", { icon: "camera", text: said.message ?? gettext("The still could not be asked for. Try again.") }, STAY);
  }

  /** The asker looks until it has arrived. @param {Still} still @param {number} [since] */
  #follow(still, since = performance.now()) {
    this.#say(still, performance.now() - since);
    if (still.state !== "asked") return;
    setTimeout(async () => this.#follow((await read(still.pk)) ?? still, since), LOOK_EVERY);
  }

  /** Something became of a still. @param {number} pk */
  async #look(pk) {
    const still = await read(pk);
    if (!still || still.of.username !== this.me) return;
    if (still.state === "asked" && !this.#taking.has(pk)) await this.#take(still);
  }

  /** @param {Still} still */
  async #take(still) {
    this.#taking.add(still.pk);
    this.#tellOwner(still, 0);
    const track = this.devices.track(still.source === "camera" ? "camera" : "clinical");
    if (!track || track.readyState !== "live" || !track.enabled) return this.#fail(still, "off");
    let blob;
    try {
      blob = await grab(track);
    } catch (error) {
      console.warn(error);
      return this.#fail(still, "broken");
    }
    const ending = blob.type === "image/png" ? "png" : "jpg";
    const file = new File([blob], `still-${still.source}-${still.pk}.${ending}`, { type: blob.type });
    const sending = new Sending(file, this.urls.upload, file.size, (self) => this.#tellOwner(still, (100 * self.done) / file.size), { still: String(still.pk) });
    await sending.start();
    if (sending.stage !== "stored") return this.#fail(still, "not_sent");
    this.#tellOwner(still, null, sending.image);
  }

  /** @param {Still} still @param {string} reason */
  async #fail(still, reason) {
    await post(`/stills/${still.pk}/failed/`, { reason });
    if (still.askedBy.username === this.me) return;
    const text = interpolate(gettext("%(name)s asked for a still of your camera; it could not be taken."), { name: still.askedBy.name }, true);
    this.notices.say(`still-${still.pk}`, { icon: "camera-off", text }, STAY);
  }

  /** Whose camera it is sees each still of it, and may remove it. @param {Still} still @param {number | null} progress @param {number | null} [image] */
  #tellOwner(still, progress, image = null) {
    if (still.askedBy.username === this.me) return;
    const values = { name: still.askedBy.name, source: still.sourceName };
    const text = interpolate(gettext("%(name)s takes a still: %(source)s"), values, true);
    const remove = async () => {
      const answer = await post(`/images/${image}/withdraw/`, { reason: "" }, { "HX-Request": "true" });
      const words = answer && answer.status < 400 ? gettext("The still was removed.") : gettext("The still could not be removed. Remove it under Images.");
      this.notices.say(`still-${still.pk}`, { icon: "trash-2", text: words }, STAY);
    };
    const actions = image ? [{ verb: gettext("Remove"), act: remove }] : [];
    this.notices.say(`still-${still.pk}`, { icon: "camera", text, progress, actions, link: image ? open(image) : undefined }, image ? 2 * STAY : 0);
  }

  /** @param {Still} still @param {number} waited ms */
  #say(still, waited) {
    const key = `still-${still.pk}`;
    const values = { name: still.of.name, source: still.sourceName, percent: still.percent ?? 0, reason: still.reason };
    if (still.state === "taken" && still.image) {
      const text = interpolate(gettext("Still arrived: %(source)s of %(name)s"), values, true);
      return this.notices.say(key, { icon: "circle-check", text, link: open(still.image) }, STAY);
    }
    if (still.state === "failed") {
      const text = interpolate(gettext("No still from %(name)s: %(reason)s"), values, true);
      return this.notices.say(key, { icon: "camera-off", text }, STAY);
    }
    const late = still.percent === null && waited > NO_ANSWER;
    const asked = late ? gettext("%(name)s’s page does not answer yet. The still comes when it is back.") : gettext("Still asked of %(name)s…");
    const text = interpolate(still.percent === null ? asked : gettext("The still of %(name)s is being sent: %(percent)s%"), values, true);
    this.notices.say(key, { icon: "camera", text, progress: still.percent }, late ? STAY : 0);
  }
}

/** The link the viewer in the room listens to. @param {number} image */
function open(image) {
  return element("a", { class: "button button-small", href: `/images/${image}/`, "data-image": String(image) }, gettext("Open"));
}

/** @param {number} pk @returns {Promise<Still | null>} */
async function read(pk) {
  const answer = await fetch(`/stills/${pk}/`, { headers: { Accept: "application/json", "X-Background": "1" } }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** @param {string} url @param {Record<string, string>} fields @param {Record<string, string>} [more] headers @returns {Promise<Response | null>} null: the line is cut */
async function post(url, fields, more = {}) {
  const headers = { Accept: "application/json", ...more, ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}") };
  return fetch(url, { method: "POST", headers, body: new URLSearchParams(fields) }).catch(() => null);
}
