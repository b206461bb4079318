// @ts-check
/** One's own camera while another may move it: asked, lent, moved, shown all the time, taken back. */

const AXES = /** @type {const} */ (["pan", "tilt", "zoom"]);

export class Mount {
  #lent = ""; // the session that moves it
  #name = "";

  /** @param {import("@/room/call.js").Call} call @param {import("@/room/own.js").Own} own @param {import("@/room/notices.js").Notices} notices */
  constructor(call, own, notices) {
    this.call = call;
    this.own = own;
    this.notices = notices;
    call.signal.addEventListener("steer", (event) => this.#move(/** @type {CustomEvent} */ (event).detail));
    call.addEventListener("left", (event) => {
      if (/** @type {CustomEvent} */ (event).detail.session === this.#lent) this.takeBack();
    });
    call.addEventListener("joined", () => this.#lent && this.#tell(this.#lent, "grant", this.#at())); // the site forgot
    own.addEventListener("changed", () => this.#lent && !own.on.camera && this.takeBack());
  }

  /** @param {{session: string, act: string}} message @param {string} name */
  hear({ session, act }, name) {
    if (act === "drop") {
      if (session === this.#lent) this.#end(interpolate(gettext("%(name)s has given your camera back."), { name }, true));
      return;
    }
    const supports = /** @type {any} */ (navigator.mediaDevices?.getSupportedConstraints() ?? {});
    if (!this.own.on.camera || !AXES.some((axis) => supports[axis])) return this.#tell(session, "cannot");
    const text = interpolate(gettext("%(name)s asks to move your camera: left, right, up, down, closer. Allow it?"), { name }, true);
    const answer = (/** @type {boolean} */ yes) => {
      this.notices.drop("mount");
      if (yes) this.#lend(session, name);
      else this.#tell(session, "refuse");
    };
    const actions = [{ verb: gettext("Allow"), act: () => answer(true), main: true }, { verb: gettext("Refuse"), act: () => answer(false) }];
    this.notices.say("mount", { icon: "move", text, actions });
  }

  takeBack() {
    this.#tell(this.#lent, "revoke");
    this.#end("");
  }

  /** The browser asks its own question here, once. @param {string} session @param {string} name */
  async #lend(session, name) {
    if (this.#lent && this.#lent !== session) this.takeBack();
    this.own.devices.movable = true;
    if (!AXES.some((axis) => this.#range(axis))) await this.own.choose("camera", this.own.devices.track("camera")?.getSettings().deviceId ?? "");
    if (!AXES.some((axis) => this.#range(axis))) {
      this.own.devices.movable = false;
      this.#tell(session, "cannot");
      return this.notices.say("mount", { icon: "move", text: gettext("This camera cannot be moved from afar.") }, 8000);
    }
    this.#lent = session;
    this.#name = name;
    this.#tell(session, "grant", this.#at());
    this.#show();
  }

  #show() {
    const text = interpolate(gettext("%(name)s can move your camera."), { name: this.#name }, true);
    this.notices.say("mount", { icon: "move", text, actions: [{ verb: gettext("Stop"), act: () => this.takeBack(), main: true }] });
  }

  /** @param {string} words */
  #end(words) {
    this.#lent = "";
    if (words) this.notices.say("mount", { icon: "move", text: words }, 8000);
    else this.notices.drop("mount");
  }

  /** @param {typeof AXES[number]} axis @returns {{min: number, max: number, step?: number} | undefined} */
  #range(axis) {
    const range = /** @type {any} */ (this.own.devices.track("camera")?.getCapabilities() ?? {})[axis];
    return range && range.max > range.min ? range : undefined;
  }

  /** Where it is: 0 to 1 of each range, nothing for what it cannot do. */
  #at() {
    const settings = /** @type {any} */ (this.own.devices.track("camera")?.getSettings() ?? {});
    const ranges = AXES.map((axis) => /** @type {const} */ ([axis, this.#range(axis)]));
    return Object.fromEntries(ranges.flatMap(([axis, range]) => (range ? [[axis, (settings[axis] - range.min) / (range.max - range.min)]] : [])));
  }

  /** @param {{session: string, pan: number, tilt: number, zoom: number}} step */
  async #move(step) {
    const track = this.own.devices.track("camera");
    if (!track || step.session !== this.#lent) return;
    const settings = /** @type {any} */ (track.getSettings());
    const wanted = /** @type {Record<string, number>} */ ({});
    for (const axis of AXES) {
      const range = this.#range(axis);
      if (!range || !step[axis]) continue;
      const to = settings[axis] + step[axis] * (range.max - range.min);
      wanted[axis] = Math.min(range.max, Math.max(range.min, to));
    }
    if (!Object.keys(wanted).length) return;
    await track.applyConstraints({ advanced: [/** @type {MediaTrackConstraintSet} */ (wanted)] });
    if (this.#lent) this.#tell(this.#lent, "at", this.#at());
  }

  /** @param {string} to @param {string} act @param {Record<string, number>} [at] */
  #tell(to, act, at = {}) {
    this.call.signal.send({ t: "camera", to, act, ...at });
  }
}
