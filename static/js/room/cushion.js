// @ts-check
/**
 * Keeps pictures back a little while packets get lost, so that a repeat arrives before its picture is due: half a
 * second's patience instead of a frozen face. Sound waits with them, or lips would be out of step. Knows no DOM.
 */
const LOOK_EVERY = 2000;
const WORTH_IT = 0.01; // share of packets asked for again
const CALM_AFTER = 8; // looks without loss
const LEAST = 160; // ms
const MOST = 450;
const TRIPS = 2.5; // one lost request or repeat, and the way from the sender

/** ms to wait for repeats at a round trip of `trip` seconds. @param {number} trip */
export function patience(trip) {
  return Math.min(MOST, Math.max(LEAST, Math.round(trip * TRIPS * 1000)));
}

export class Cushion {
  #connection;
  #calm = CALM_AFTER;
  #before = { asked: 0, received: 0 };

  /** @param {() => RTCPeerConnection | null} connection what is received on at the moment */
  constructor(connection) {
    this.#connection = connection;
    setInterval(() => this.#look(), LOOK_EVERY);
  }

  async #look() {
    const pc = this.#connection();
    if (pc?.connectionState !== "connected") return;
    const now = { asked: 0, received: 0 };
    let trip = 0;
    for (const row of (await pc.getStats()).values()) {
      if (row.type === "inbound-rtp" && row.kind === "video") {
        now.asked += row.nackCount ?? 0;
        now.received += row.packetsReceived ?? 0;
      } else if (row.type === "candidate-pair" && row.nominated) trip = row.currentRoundTripTime ?? trip;
    }
    const asked = now.asked - this.#before.asked;
    const received = now.received - this.#before.received;
    this.#before = now;
    this.#calm = received > 0 && asked / received > WORTH_IT ? 0 : this.#calm + 1;
    const wait = this.#calm < CALM_AFTER ? patience(trip) : null;
    for (const receiver of /** @type {any[]} */ (pc.getReceivers())) {
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = wait;
    }
  }
}
