// @ts-check
/** What others say comes out here, one element per track. Sends `blocked` when the browser wants a click first. */

export class Sound extends EventTarget {
  /** @type {Map<string, HTMLAudioElement>} */
  #players = new Map();
  #speaker = "";
  #place;

  /** @param {HTMLElement} place holds the elements, out of sight */
  constructor(place) {
    super();
    this.#place = place;
  }

  /** @param {string} id @param {string} username @param {MediaStreamTrack} media */
  add(id, username, media) {
    const known = this.#players.get(id);
    if (known && /** @type {MediaStream} */ (known.srcObject).getAudioTracks()[0] === media) return;
    const player = known ?? document.createElement("audio");
    player.autoplay = true;
    player.dataset.participant = username;
    player.srcObject = new MediaStream([media]);
    this.#players.set(id, player);
    this.#place.append(player);
    this.#aim(player);
    this.#play(player);
  }

  /** @param {string} id */
  remove(id) {
    const player = this.#players.get(id);
    if (!player) return;
    player.srcObject = null;
    player.remove();
    this.#players.delete(id);
  }

  /** @param {string} id @param {number} volume 0 to 1 */
  setVolume(id, volume) {
    const player = this.#players.get(id);
    if (player) player.volume = volume;
  }

  /** After a click: play everything that was held back. */
  unblock() {
    for (const player of this.#players.values()) this.#play(player);
  }

  /** @param {string} [speaker] device id; empty: the system's choice */
  use(speaker = "") {
    this.#speaker = speaker;
    for (const player of this.#players.values()) this.#aim(player);
  }

  /** @param {HTMLAudioElement} player */
  #aim(player) {
    if ("setSinkId" in player) /** @type {any} */ (player).setSinkId(this.#speaker).catch(console.warn);
  }

  /** @param {HTMLAudioElement} player */
  async #play(player) {
    try {
      await player.play();
      this.dispatchEvent(new CustomEvent("playing"));
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") {
        this.dispatchEvent(new CustomEvent("blocked"));
      } else if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
    }
  }
}
