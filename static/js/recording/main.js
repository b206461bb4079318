// @ts-check
/** The player of a recording: several films, each one person's, kept on one clock. */
import { duration } from "@/room/clock.js";
import { icon } from "@/base/dom.js";

const TOLERANCE = 0.12; // seconds a film may be away from the clock before it is moved
const TICK = 100; // ms

/** @typedef {{media: HTMLMediaElement, figure: HTMLElement, offset: number, length: number}} Film */

class Player {
  #at = 0;
  #since = 0; // performance.now() when #at was true, while playing
  playing = false;

  /** @param {Film[]} films @param {number} seconds */
  constructor(films, seconds) {
    this.films = films;
    this.seconds = seconds;
  }

  get at() {
    const passed = this.playing && this.#since ? (performance.now() - this.#since) / 1000 : 0;
    return Math.min(this.#at + passed, this.seconds);
  }

  /** @param {number} at */
  seek(at) {
    this.#at = Math.min(Math.max(at, 0), this.seconds);
    this.#since = this.#since && performance.now();
    for (const film of this.#inside()) film.media.currentTime = this.#at - film.offset;
    this.tick();
  }

  play() {
    if (this.at >= this.seconds) this.seek(0);
    this.playing = true;
    this.tick();
  }

  pause() {
    this.#stand();
    this.playing = false;
    for (const film of this.films) film.media.pause();
  }

  /** Films that have a picture or sound at the clock's moment. */
  #inside() {
    return this.films.filter((film) => this.#at >= film.offset && this.#at < film.offset + film.length);
  }

  #stand() {
    this.#at = this.at;
    this.#since = 0;
  }

  /** Whether all go on; the clock stands while one of them waits for its data. */
  tick() {
    this.#at = this.at;
    if (this.#since) this.#since = performance.now();
    const inside = new Set(this.#inside());
    for (const film of this.films) {
      film.figure.classList.toggle("player-away", !inside.has(film));
      if (!inside.has(film)) film.media.pause();
    }
    const waits = [...inside].some(({ media }) => media.seeking || media.readyState < HTMLMediaElement.HAVE_FUTURE_DATA);
    if (!this.playing || waits) {
      this.#stand();
      for (const film of inside) if (!film.media.paused) film.media.pause();
      for (const film of inside) if (film.media.readyState === 0) film.media.load();
    } else {
      if (!this.#since) this.#since = performance.now();
      for (const film of inside) this.#follow(film);
    }
    if (this.playing && this.#at >= this.seconds) this.pause();
    return !waits;
  }

  /** @param {Film} film */
  #follow(film) {
    const wanted = this.#at - film.offset;
    if (film.media.ended) return;
    if (Math.abs(film.media.currentTime - wanted) > TOLERANCE) film.media.currentTime = wanted;
    if (film.media.paused) film.media.play().catch(() => this.pause());
  }
}

/** @param {HTMLElement} root */
function start(root) {
  /** @template {HTMLElement} T @param {string} selector */
  const find = (selector) => /** @type {T} */ (root.querySelector(selector));
  const films = [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-film]"))].map((figure) => ({
    figure,
    media: /** @type {HTMLMediaElement} */ (figure.querySelector("video, audio")),
    offset: Number(figure.dataset.offset),
    length: Number(figure.dataset.length),
  }));
  const player = new Player(films, Number(root.dataset.seconds));
  /** @type {HTMLButtonElement} */
  const button = find("[data-play]");
  /** @type {HTMLInputElement} */
  const seek = find("[data-seek]");
  /** @type {HTMLInputElement} */
  const volume = find("[data-volume]");
  let dragged = false;

  const draw = () => {
    const going = player.tick();
    if (!dragged) seek.value = String(player.at);
    const words = `${duration(Math.floor(player.at))} / ${duration(Math.floor(player.seconds))}`;
    find("[data-position]").textContent = words;
    seek.setAttribute("aria-valuetext", words);
    const name = player.playing ? "pause" : "play";
    if (button.dataset.shows !== name) {
      button.dataset.shows = name;
      find("[data-label]").textContent = (player.playing ? button.dataset.on : button.dataset.off) ?? "";
      button.querySelector(".icon")?.replaceWith(icon(name));
    }
    root.classList.toggle("player-waits", player.playing && !going);
  };
  button.addEventListener("click", () => {
    if (player.playing) player.pause();
    else player.play();
    draw();
  });
  seek.addEventListener("input", () => (dragged = true));
  seek.addEventListener("change", () => {
    dragged = false;
    player.seek(Number(seek.value));
    draw();
  });
  volume.addEventListener("input", () => {
    for (const film of films) film.media.volume = Number(volume.value);
  });
  for (const film of films) {
    const broken = () => {
      find("[data-trouble]").textContent = gettext("A part of this recording cannot be played.");
      film.figure.classList.add("player-away", "player-broken");
      film.length = 0;
    };
    film.media.addEventListener("error", broken);
    if (film.media.error) broken(); // it failed before this script ran
  }
  draw();
  setInterval(draw, TICK);
}

start(/** @type {HTMLElement} */ (document.querySelector("[data-player]")));
