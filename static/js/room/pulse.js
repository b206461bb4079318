// @ts-check
/**
 * Notices that nothing comes through a leg any more, long before the browser calls it failed: the relay says something on
 * every connection every second. What the device tells of its network is a hint to look at once. Knows no DOM.
 */
const LOOK_EVERY = 1000;
const SILENT_AFTER = 2000;
const HINTED_AFTER = 1000; // after a hint less silence is enough
const AGAIN_AFTER = 5000; // of silence after a restart
const NEVER_HEARD = 12_000; // a connection that never carried anything is built anew

/** @typedef {import("@/room/leg.js").Leg} Leg */
/** @typedef {{pc: RTCPeerConnection, bytes: number, heard: number, due: number, useless: number}} Beat */

export class Pulse {
  #legs;
  #signal;
  /** @type {Map<Leg, Beat>} */
  #beats = new Map();

  /** @param {Leg[]} legs @param {import("@/room/signal.js").Signal} signal */
  constructor(legs, signal) {
    this.#legs = legs;
    this.#signal = signal;
    setInterval(() => this.#look(SILENT_AFTER), LOOK_EVERY);
    const hint = () => this.#hinted();
    addEventListener("online", hint);
    /** @type {any} */ (navigator).connection?.addEventListener("change", hint);
    document.addEventListener("visibilitychange", () => document.hidden || hint());
  }

  /** The network may be another one: the line to the site and the legs prove themselves, each on its own. */
  #hinted() {
    this.#signal.hurry();
    this.#look(HINTED_AFTER);
    setTimeout(() => this.#look(HINTED_AFTER), HINTED_AFTER);
  }

  /** @param {number} patience ms of silence */
  #look(patience) {
    for (const leg of this.#legs) if (leg.pc) this.#listen(leg, leg.pc, patience);
  }

  /** @param {Leg} leg @param {RTCPeerConnection} pc @param {number} patience */
  async #listen(leg, pc, patience) {
    const bytes = await received(pc);
    if (pc !== leg.pc || pc.connectionState === "closed") return;
    const now = performance.now();
    const beat = this.#beats.get(leg);
    if (beat?.pc !== pc) {
      this.#beats.set(leg, { pc, bytes, heard: now, due: now + NEVER_HEARD, useless: 0 });
    } else if (beat.bytes !== bytes) {
      Object.assign(beat, { bytes, heard: now, due: now, useless: 0 });
      leg.falls(false);
    } else if (now >= beat.due && now - beat.heard >= patience) this.#mend(leg, beat, now);
  }

  /** @param {Leg} leg @param {Beat} beat @param {number} now */
  #mend(leg, beat, now) {
    beat.due = now + AGAIN_AFTER;
    this.#signal.hurry();
    leg.falls(true);
    // A path that is proved and still carries nothing: the relay has forgotten this connection.
    if (!beat.bytes || (beat.pc.iceConnectionState === "connected" && beat.useless++ > 1)) leg.open();
    else leg.restart();
  }
}

/** @param {RTCPeerConnection} pc */
async function received(pc) {
  let bytes = 0;
  for (const row of (await pc.getStats()).values()) if (row.type === "transport") bytes += row.bytesReceived ?? 0;
  return bytes;
}
