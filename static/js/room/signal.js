// @ts-check
/** The room socket (docs/protocol.md): keeps it open, matches answers to offers. Knows no media and no DOM. */

const FIRST_WAIT = 300;
const LONGEST_WAIT = 2000;
const CONNECT_WITHIN = 4000; // a network that is gone leaves a connection attempt hanging for minutes
const PROOF_WITHIN = 1500;
const PING_EVERY = 5000;
const PATIENCE = 12_000; // without any word from the site the line is dead
const ANSWER_WITHIN = 8000;
const FINAL = new Set([4400, 4401, 4403, 4404]);

/** An offer that got no answer; `code` says why (docs/protocol.md, or `away`, `timeout`). */
export class Refused extends Error {
  /** @param {string} code @param {string} [words] */
  constructor(code, words = "") {
    super(code);
    this.code = code;
    this.words = words;
  }
}

/**
 * Sends `open`, `away` (line lost, coming back), `ended` (detail: close code) and every message of the site under its
 * own name `t` and as `message`.
 */
export class Signal extends EventTarget {
  #url;
  #wait = FIRST_WAIT;
  #again = 0;
  #heard = 0;
  #closed = false;
  #count = 0;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<string, {resolve: (sdp: string) => void, reject: (why: Refused) => void, timer: number}>} */
  #pending = new Map();

  /** @param {string} path */
  constructor(path) {
    super();
    this.#url = new URL(path, location.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    setInterval(() => this.#beat(), PING_EVERY);
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    this.#closed = false;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    setTimeout(() => socket.readyState === WebSocket.CONNECTING && this.#drop(socket), CONNECT_WITHIN);
    socket.addEventListener("open", () => {
      this.#heard = performance.now();
      this.#tell("open");
    });
    socket.addEventListener("message", (event) => this.#hear(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#lost(event.code));
  }

  /** @param {Record<string, unknown>} message @returns {boolean} whether it left */
  send(message) {
    if (!this.isOpen) return false;
    this.#socket?.send(JSON.stringify(message));
    return true;
  }

  /**
   * One offer and its answer.
   * @param {"pub" | "sub" | "probe"} pc @param {string} sdp @param {Record<string, unknown>} [more]
   * @returns {Promise<string>} the answer's SDP; rejects with Refused
   */
  offer(pc, sdp, more = {}) {
    const rev = pc === "probe" ? 0 : ++this.#count;
    const message = pc === "probe" ? { t: "probe", sdp } : { t: "offer", pc, sdp, rev, ...more };
    const key = `${pc}-${rev}`;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => this.#refuse(key, new Refused("timeout")), ANSWER_WITHIN);
      this.#pending.set(key, { resolve, reject, timer });
      if (!this.send(message)) this.#refuse(key, new Refused("away"));
    });
  }

  /** The network may have changed: a line that does not answer is replaced at once instead of after PATIENCE. */
  hurry() {
    const socket = this.#socket;
    if (!this.isOpen || !socket) {
      if (socket?.readyState === WebSocket.CONNECTING) this.#drop(socket); // over the network that is gone
      this.#retryNow();
      return;
    }
    const asked = performance.now();
    this.send({ t: "ping", n: Math.round(asked) });
    setTimeout(() => this.#heard < asked && this.#drop(socket), PROOF_WITHIN);
  }

  /** There is no network any more: what was open is dead, and the next one finds nothing to wait for. */
  abandon() {
    if (this.#socket) this.#drop(this.#socket);
  }

  close() {
    this.#closed = true;
    this.#socket?.close(1000);
  }

  /** @param {any} message */
  #hear(message) {
    this.#heard = performance.now();
    this.#wait = FIRST_WAIT;
    if (message.t === "answer") this.#answered(message);
    if (message.t === "refused") this.#refused(message);
    this.#tell(message.t, message);
    this.#tell("message", message);
  }

  /** @param {{pc: string, sdp: string, rev: number}} answer */
  #answered(answer) {
    const key = `${answer.pc}-${answer.rev}`;
    const waiting = this.#pending.get(key);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#pending.delete(key);
    waiting.resolve(answer.sdp);
  }

  /** @param {{to: string, code: string, message: string}} refusal */
  #refused({ to, code, message }) {
    if (to !== "offer" && to !== "probe") return;
    for (const key of [...this.#pending.keys()]) {
      if (key.startsWith("probe") === (to === "probe")) this.#refuse(key, new Refused(code, message));
    }
  }

  /** @param {string} key @param {Refused} why */
  #refuse(key, why) {
    const waiting = this.#pending.get(key);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#pending.delete(key);
    waiting.reject(why);
  }

  /** @param {number} code */
  #lost(code) {
    this.#socket = null;
    for (const key of [...this.#pending.keys()]) this.#refuse(key, new Refused("away"));
    if (this.#closed || FINAL.has(code)) {
      this.#closed = true;
      this.#tell("ended", code);
      return;
    }
    this.#tell("away", code);
    this.#again = window.setTimeout(() => this.#retryNow(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 1.7, LONGEST_WAIT);
  }

  #retryNow() {
    clearTimeout(this.#again);
    if (!this.#closed && this.#socket === null) this.connect();
  }

  #beat() {
    if (!this.isOpen) return;
    if (performance.now() - this.#heard > PATIENCE) {
      if (this.#socket) this.#drop(this.#socket);
    } else this.send({ t: "ping", n: Math.round(performance.now()) });
  }

  /** @param {WebSocket} socket a dead one: its own close may take minutes to be told */
  #drop(socket) {
    if (socket !== this.#socket) return;
    this.#lost(1006);
    socket.close();
  }

  /** @param {string} name @param {unknown} [detail] */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
