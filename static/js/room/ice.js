// @ts-check
/** By which ways a connection may be made: the TURN servers the site named, and whether only through them. Knows no DOM. */

const KEPT = "room.turn-only";

/** @typedef {{servers: RTCIceServer[], relays: string[]}} Named */

/** Sends `renewed` when the site named the servers anew: credentials expire. */
class Ways extends EventTarget {
  /** @type {Named | null} */
  #named = null;

  /** @param {Named} named */
  take(named) {
    this.#named = named;
    this.dispatchEvent(new CustomEvent("renewed"));
  }

  /** Whether the site has said which there are. */
  get known() {
    return this.#named !== null;
  }

  /** Whether there is a TURN server at all. */
  get any() {
    return Boolean(this.#named?.servers.length);
  }

  /** "host port" of the TURN servers and of the relays, for a network desk. */
  get addresses() {
    const urls = this.#named?.servers.flatMap((server) => server.urls) ?? [];
    return { relays: this.#named?.relays ?? [], turn: [...new Set(urls.map((url) => url.replace(/^turns?:|\?.*$/g, "")))] };
  }

  get onlyTurn() {
    return localStorage.getItem(KEPT) === "1";
  }

  set onlyTurn(only) {
    if (only) localStorage.setItem(KEPT, "1");
    else localStorage.removeItem(KEPT);
  }

  /** For new connections, and for setConfiguration on those there are. @returns {RTCConfiguration} */
  get configuration() {
    return {
      iceServers: this.#named?.servers ?? [],
      iceTransportPolicy: this.onlyTurn && this.any ? "relay" : "all",
      bundlePolicy: "max-bundle",
    };
  }
}

export const ways = new Ways();
