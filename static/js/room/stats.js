// @ts-check
/** How good the connection is, from getStats of both legs every 2 s. Knows no DOM. */

const EVERY = 2000;
const STALLED_AFTER = 3; // looks without a byte while somebody sends

/** @typedef {{level: number, lossIn: number, lossOut: number, trip: number, jitter: number, frozen: number, up: number, down: number, seconds: number}} Figures losses and `frozen` 0-1, times in s, rates in kbit/s, over the last `seconds` */
/** @typedef {{at: number, received: number, lost: number, frozen: number, in: number, out: number}} Counts since the connections began */

/** Loss (0-1) and round trip (s) to bars: 3 good, 2 slow, 1 bad, 0 lost. @param {number} loss @param {number} trip */
export function grade(loss, trip) {
  if (loss < 0.03 && trip < 0.25) return 3;
  return loss < 0.1 && trip < 0.6 ? 2 : 1;
}

/**
 * Sends `level` (detail: 0-3) when it changes, `figures` (detail: Figures) after each look, and `stalled` when nothing
 * comes though somebody sends.
 */
export class Stats extends EventTarget {
  level = 3;
  #call;
  #trip = 0;
  #silent = 0;
  #met = false; // the connection was there once: what comes before is no loss
  #patience = STALLED_AFTER;
  /** @type {Counts} */
  #before = { at: performance.now(), received: 0, lost: 0, frozen: 0, in: 0, out: 0 };

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
    /** @type {Counts} */
    const now = { at: performance.now(), received: 0, lost: 0, frozen: 0, in: 0, out: 0 };
    let [lossOut, jitter] = [0, 0];
    for (const row of reports.flatMap((report) => [...report.values()])) {
      if (row.type === "inbound-rtp") {
        now.in += row.bytesReceived ?? 0;
        now.received += row.packetsReceived ?? 0;
        now.lost += Math.max(0, row.packetsLost ?? 0);
        now.frozen += row.totalFreezesDuration ?? 0;
        if (row.kind === "audio") jitter = Math.max(jitter, row.jitter ?? 0);
      } else if (row.type === "outbound-rtp") now.out += row.bytesSent ?? 0;
      else if (row.type === "remote-inbound-rtp") lossOut = Math.max(lossOut, row.fractionLost ?? 0);
      else if (row.type === "candidate-pair" && row.nominated) this.#trip = row.currentRoundTripTime ?? this.#trip;
    }
    this.#weigh(now, lossOut, jitter);
  }

  /** @param {Counts} now @param {number} lossOut @param {number} jitter */
  #weigh(now, lossOut, jitter) {
    const before = this.#before;
    this.#before = now;
    /** A new connection counts from 0. @param {"received" | "lost" | "frozen" | "in" | "out"} name */
    const more = (name) => (now[name] >= before[name] ? now[name] - before[name] : now[name]);
    const seconds = Math.max((now.at - before.at) / 1000, 0.001);
    const [lost, received] = [more("lost"), more("received")];
    const lossIn = lost + received ? lost / (lost + received) : 0;
    this.#watch(now.in !== before.in);
    const level = this.#call.mediaState === "connected" ? grade(Math.max(lossIn, lossOut), this.#trip) : 0;
    this.#met ||= level > 0;
    if (!this.#met) return;
    const frozen = Math.min(1, more("frozen") / seconds);
    const rates = { up: (more("out") * 8) / 1000 / seconds, down: (more("in") * 8) / 1000 / seconds };
    this.#tell("figures", { level, lossIn, lossOut, trip: this.#trip, jitter, frozen, ...rates, seconds });
    if (level === this.level) return;
    this.level = level;
    this.#tell("level", level);
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
    this.#tell("stalled");
  }

  /** @param {string} name @param {unknown} [detail] */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
