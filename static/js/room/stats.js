// @ts-check
/** How good the connection is, from getStats of both legs every 2 s. Knows no DOM. */

const EVERY = 2000;
const STALLED_AFTER = 3; // looks without a byte while somebody sends

/** Loss (0-1) and round trip (s) to bars: 3 good, 2 slow, 1 bad, 0 lost. @param {number} loss @param {number} trip */
export function grade(loss, trip) {
  if (loss < 0.03 && trip < 0.25) return 3;
  return loss < 0.1 && trip < 0.6 ? 2 : 1;
}

/** Sends `level` (detail: 0-3) when it changes and `stalled` when nothing comes though somebody sends. */
export class Stats extends EventTarget {
  level = 3;
  trip = 0;
  loss = 0;
  #call;
  #silent = 0;
  #patience = STALLED_AFTER;
  #before = { bytes: 0, received: 0, lost: 0 };

  /** @param {import("@/room/call.js").Call} call */
  constructor(call) {
    super();
    this.#call = call;
    setInterval(() => this.#look(), EVERY);
  }

  async #look() {
    const { publisher, subscriber } = this.#call;
    const legs = [publisher.pc, subscriber.pc].filter((pc) => pc !== null);
    if (!legs.length) return;
    const reports = await Promise.all(legs.map((pc) => /** @type {RTCPeerConnection} */ (pc).getStats()));
    const now = { bytes: 0, received: 0, lost: 0 };
    let sentLoss = 0;
    for (const row of reports.flatMap((report) => [...report.values()])) {
      if (row.type === "inbound-rtp") {
        now.bytes += row.bytesReceived ?? 0;
        now.received += row.packetsReceived ?? 0;
        now.lost += Math.max(0, row.packetsLost ?? 0);
      } else if (row.type === "remote-inbound-rtp") sentLoss = Math.max(sentLoss, row.fractionLost ?? 0);
      else if (row.type === "candidate-pair" && row.nominated) this.trip = row.currentRoundTripTime ?? this.trip;
    }
    this.#weigh(now, sentLoss);
  }

  /** @param {{bytes: number, received: number, lost: number}} now @param {number} sentLoss */
  #weigh(now, sentLoss) {
    const before = this.#before;
    this.#before = now;
    const lost = Math.max(0, now.lost - before.lost);
    const received = Math.max(0, now.received - before.received);
    this.loss = Math.max(sentLoss, lost + received ? lost / (lost + received) : 0);
    this.#watch(now.bytes !== before.bytes);
    const level = this.#call.mediaState === "connected" ? grade(this.loss, this.trip) : 0;
    if (level === this.level) return;
    this.level = level;
    this.dispatchEvent(new CustomEvent("level", { detail: level }));
  }

  /** @param {boolean} flows */
  #watch(flows) {
    const others = this.#call.people.filter((person) => person.session !== this.#call.session);
    const sending = others.some((person) => person.mic || person.cam || person.screen);
    if (flows || !sending || !this.#call.joined) {
      this.#silent = 0;
      if (flows) this.#patience = STALLED_AFTER;
      return;
    }
    if (++this.#silent < this.#patience) return;
    this.#silent = 0;
    this.#patience = Math.min(this.#patience * 2, 30);
    this.dispatchEvent(new CustomEvent("stalled"));
  }
}
