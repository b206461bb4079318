// @ts-check
/**
 * Being in the call: joins, joins again after every loss, keeps the two legs going. Knows no DOM.
 *
 * Sends `people`, `tracks` (all shown tracks changed), `shown`, `ended` (of a track), `relay` ("ready"/"lost"), `line`
 * ("open"/"away"), `over` (close code), `elsewhere`, `refused`, `left`, `joined` and `media` (state of a leg).
 */
import { Publisher } from "@/room/publisher.js";
import { Subscriber } from "@/room/subscriber.js";
import { Cushion } from "@/room/cushion.js";
import { Handover } from "@/room/handover.js";
import { Pulse } from "@/room/pulse.js";
import { Refused } from "@/room/signal.js";

/** @typedef {{username: string, name: string, hospital: string, side: string, session: string, mic: boolean, cam: boolean, screen: boolean, clinical: string, stethoscope: boolean, paused: string[], since: string}} Person */

export class Call extends EventTarget {
  /** @type {Person[]} */
  people = [];
  you = "";
  joined = false;
  relay = "ready";
  session = makeSession();
  state = { mic: false, cam: false, screen: false, clinical: "", stethoscope: false };
  #wanted = false; // the person wants to be in the call

  /** @param {import("@/room/signal.js").Signal} signal */
  constructor(signal) {
    super();
    this.signal = signal;
    /** @type {import("@/room/leg.js").Negotiate} */
    const negotiate = (role, sdp, more) =>
      this.joined ? this.signal.offer(role, sdp, more) : Promise.reject(new Refused("away"));
    this.publisher = new Publisher(negotiate);
    this.subscriber = new Subscriber(negotiate);
    for (const leg of [this.publisher, this.subscriber]) {
      leg.addEventListener("stranger", () => this.#rejoin());
      leg.addEventListener("state", () => this.#tell("media", this.mediaState));
    }
    this.handover = new Handover(this.publisher, this.subscriber, (name, detail) => this.#tell(name, detail));
    this.pulse = new Pulse([this.publisher, this.subscriber], signal);
    this.cushion = new Cushion(() => this.subscriber.pc);
    this.#listen();
  }

  /** The worse of the two legs; "connected" when both carry. */
  get mediaState() {
    const states = [this.publisher, this.subscriber].filter((leg) => leg.pc).map((leg) => leg.state);
    return states.find((state) => state !== "connected") ?? "connected";
  }

  /** @param {{mic: boolean, cam: boolean}} state */
  join(state) {
    this.state = { ...this.state, ...state };
    this.#wanted = true;
    this.session = makeSession();
    if (this.signal.isOpen) this.#join();
  }

  leave() {
    this.#wanted = this.joined = false;
    this.signal.send({ t: "leave" });
    this.#close();
  }

  /** Tell the others what is on. @param {Partial<{mic: boolean, cam: boolean, screen: boolean, clinical: string, stethoscope: boolean}>} state */
  show(state) {
    this.state = { ...this.state, ...state };
    if (this.joined) this.signal.send({ t: "state", ...this.state });
  }

  #listen() {
    /** @param {string} name @param {(detail: any) => void} act */
    const on = (name, act) => this.signal.addEventListener(name, (event) => act(/** @type {CustomEvent} */ (event).detail));
    on("open", () => {
      this.#tell("line", "open");
      if (this.#wanted) this.#join();
    });
    on("away", () => {
      this.joined = false;
      this.#tell("line", "away");
    });
    on("ended", (code) => {
      this.#wanted = this.joined = false;
      this.#close();
      this.#tell("over", code);
    });
    on("joined", (message) => this.#joined(message));
    on("people", ({ people }) => this.#people(people));
    on("tracks", ({ tracks }) => this.joined && this.subscriber.want(tracks));
    on("renegotiate", () => this.publisher.change());
    on("left", (message) => this.#tell("left", message));
    on("relay", ({ state }) => {
      this.joined = false; // until the relay that is ready now has let us in
      this.#relay(state);
      if (state === "ready" && this.#wanted) this.#join();
    });
    on("refused", (message) => this.#refused(message));
  }

  #join() {
    this.signal.send({ t: "join", session: this.session, mic: this.state.mic, cam: this.state.cam });
  }

  #rejoin() {
    if (!this.#wanted || !this.joined) return;
    this.joined = false;
    setTimeout(() => this.signal.isOpen && this.#join(), 300);
  }

  /** @param {{you: string, fresh: boolean, people: Person[], tracks: import("@/room/subscriber.js").Track[], relay: string}} message */
  #joined(message) {
    if (!this.#wanted) return;
    this.you = message.you;
    this.joined = message.relay === "ready";
    this.#relay(message.relay);
    this.#people(message.people);
    this.#tell("joined", message);
    if (!this.joined) return;
    if (message.fresh) {
      this.handover.begin();
      this.publisher.park();
      this.subscriber.renew(message.tracks);
    } else {
      this.subscriber.resume();
      this.subscriber.want(message.tracks);
    }
    if (this.publisher.pc) this.publisher.resume();
    else this.publisher.open();
    this.show({});
  }

  /** @param {Person[]} people */
  #people(people) {
    this.people = people;
    this.#tell("people", people);
  }

  /** @param {string} state */
  #relay(state) {
    this.relay = state;
    this.#tell("relay", state);
  }

  /** @param {{code: string, message: string, to: string}} message */
  #refused(message) {
    if (message.code === "elsewhere") {
      this.#wanted = this.joined = false;
      this.subscriber.want([]);
      this.#close();
      this.#tell("elsewhere", message);
    } else this.#tell("refused", message);
  }

  #close() {
    this.handover.end();
    this.publisher.close();
    this.subscriber.close();
  }

  /** @param {string} name @param {unknown} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** 32 characters nobody guesses. */
function makeSession() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
