// @ts-check
/**
 * Notices that nothing comes through a leg any more, long before the browser calls it failed: the relay says something on
 * every connection every second. What the device tells of its network is a hint to look at once. Knows no DOM.
 */
const LOOK_EVERY = 500;
const SILENT_AFTER = 2000;
const SOON_SILENT_AFTER = 1000; // enough after a hint, and on a leg that was never still
const NEVER_STILL = 3000; // so long something came between any two looks
const AGAIN_AFTER = 3000; // of silence after a restart
const SOON_AGAIN_AFTER = 700; // for a while after a hint: the browser looks for paths a second or two before it sees the new network
const HINT_LASTS = 6000;
const NEVER_HEARD = 12_000; // a connection that never carried anything is built anew

/** @typedef {import("@/room/leg.js").Leg} Leg */
/** @typedef {{pc: RTCPeerConnection, bytes: number, heard: number, since: number, due: number, useless: number}} Beat */

export class Pulse {
  #legs;
  #signal;
  /** @type {Map<Leg, Beat>} */
  #beats = new Map();
  #hintedAt = -Infinity;

  /** @param {Leg[]} legs @param {import("@/room/signal.js").Signal} signal */
  constructor(legs, signal) {
    this.#legs = legs;
    this.#signal = signal;
    setInterval(() => this.#look(SILENT_AFTER), LOOK_EVERY);
    const hint = () => this.#hinted();
    addEventListener("offline", () => this.#signal.abandon());
    addEventListener("online", hint);
    /** @type {any} */ (navigator).connection?.addEventListener("change", hint);
    document.addEventListener("visibilitychange", () => document.hidden || hint());
  }

  /** The network may be another one: the line to the site and the legs prove themselves, each on its own. */
  #hinted() {
    this.#hintedAt = performance.now();
    this.#signal.hurry();
    this.#look(SOON_SILENT_AFTER);
    setTimeout(() => this.#look(SOON_SILENT_AFTER), SOON_SILENT_AFTER);
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
      this.#beats.set(leg, { pc, bytes, heard: now, since: now, due: now + NEVER_HEARD, useless: 0 });
    } else if (beat.bytes !== bytes) {
      const since = now - beat.heard < 2 * LOOK_EVERY ? beat.since : now;
      Object.assign(beat, { bytes, heard: now, since, due: now, useless: 0 });
      leg.falls(false);
    } else {
      const enough = beat.heard - beat.since >= NEVER_STILL ? SOON_SILENT_AFTER : patience;
      if (now >= beat.due && now - beat.heard >= enough) this.#mend(leg, beat, now);
    }
  }

  /** @param {Leg} leg @param {Beat} beat @param {number} now */
  #mend(leg, beat, now) {
    const isSoon = now - this.#hintedAt < HINT_LASTS;
    beat.due = now + (isSoon ? SOON_AGAIN_AFTER : AGAIN_AFTER);
    this.#signal.hurry();
    leg.falls(true);
    // A path that is proved and still carries nothing: the relay has forgotten this connection.
    if (!beat.bytes || (beat.pc.iceConnectionState === "connected" && !isSoon && beat.useless++ > 1)) leg.open();
    else leg.restart();
  }
}

/** @param {RTCPeerConnection} pc */
async function received(pc) {
  let bytes = 0;
  for (const row of (await pc.getStats()).values()) if (row.type === "transport") bytes += row.bytesReceived ?? 0;
  return bytes;
}
