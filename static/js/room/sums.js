// @ts-check
/** Sums of this page's call quality since it joined, told to the site every half minute and at the end. */

const EVERY = 30_000;
const FIRST = 6_000;

/** @typedef {import("@/room/stats.js").Figures} Figures */
/** @typedef {"lossIn" | "lossOut" | "trip" | "jitter" | "up" | "down"} Mean */

/** @type {Mean[]} */
const MEANS = ["lossIn", "lossOut", "trip", "jitter", "up", "down"];

export class Sums {
  #seconds = { all: 0, slow: 0, poor: 0, lost: 0, frozen: 0 };
  #weighted = { lossIn: 0, lossOut: 0, trip: 0, jitter: 0, up: 0, down: 0 }; // each times the seconds it held
  #worst = 0;
  #session = "";
  #url;
  #call;

  /** @param {import("@/room/call.js").Call} call @param {import("@/room/stats.js").Stats} stats @param {string} url */
  constructor(call, stats, url) {
    this.#call = call;
    this.#url = url;
    stats.addEventListener("figures", (event) => this.#add(/** @type {CustomEvent} */ (event).detail));
    setTimeout(() => this.tell(), FIRST);
    setInterval(() => this.tell(), EVERY);
    addEventListener("pagehide", () => this.tell());
  }

  /** @param {Figures} figures */
  #add(figures) {
    if (this.#session !== this.#call.session) {
      this.tell();
      this.#session = this.#call.session;
      this.#seconds = { all: 0, slow: 0, poor: 0, lost: 0, frozen: 0 };
      this.#weighted = { lossIn: 0, lossOut: 0, trip: 0, jitter: 0, up: 0, down: 0 };
      this.#worst = 0;
    }
    const { seconds, level } = figures;
    this.#seconds.all += seconds;
    if (level < 3) this.#seconds[/** @type {"lost" | "poor" | "slow"} */ (["lost", "poor", "slow"][level])] += seconds;
    this.#seconds.frozen += figures.frozen * seconds;
    for (const name of MEANS) this.#weighted[name] += figures[name] * seconds;
    this.#worst = Math.max(this.#worst, figures.trip);
  }

  /** What is told again replaces what was told: a lost word is no loss. */
  tell() {
    const { all, slow, poor, lost, frozen } = this.#seconds;
    if (!all || !this.#session) return;
    /** @param {Mean} name */
    const mean = (name) => this.#weighted[name] / all;
    /** @param {number} value */
    const whole = (value) => String(Math.round(value));
    const fields = {
      session: this.#session,
      seconds: whole(all),
      slow: whole(slow),
      poor: whole(poor),
      lost: whole(lost),
      loss_in: mean("lossIn").toFixed(5),
      loss_out: mean("lossOut").toFixed(5),
      trip_ms: whole(1000 * mean("trip")),
      trip_worst_ms: whole(1000 * this.#worst),
      jitter_ms: whole(1000 * mean("jitter")),
      frozen_seconds: frozen.toFixed(2),
      up_kbps: whole(mean("up")),
      down_kbps: whole(mean("down")),
    };
    const headers = { Accept: "application/json", "X-Background": "1", ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}") };
    fetch(this.#url, { method: "POST", headers, body: new URLSearchParams(fields), keepalive: true }).catch(console.info); // the next word holds it all
  }
}
