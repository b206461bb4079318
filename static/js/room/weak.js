// @ts-check
/**
 * Says which pictures wait because a network is too weak: over the picture where we do not get it, on the tile of who
 * does not get one. The relay decides; `people` tells it.
 */
import { element, icon } from "@/base/dom.js";

/**
 * @param {HTMLElement} root with the tiles @param {import("@/room/call.js").Call} call
 * @param {import("@/room/banner.js").Banners} banners
 */
export function startWeak(root, call, banners) {
  /** @type {import("@/room/subscriber.js").Track[]} */
  let tracks = [];
  const draw = () => {
    const own = call.people.find((person) => person.session === call.session);
    const missing = tracks.filter((track) => own?.paused.includes(track.id));
    const weak = call.people.filter((person) => person !== own && person.paused.length).map((person) => person.username);
    for (const tile of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-tile]"))) {
      const { tile: username = "", source = "" } = tile.dataset;
      const waits = missing.some((track) => track.username === username && track.source === source);
      const deaf = source === "camera" && weak.includes(username);
      mark(tile, "tile-paused", waits, gettext("Video paused"));
      mark(tile, "tile-weak", deaf, gettext("Sees no video"));
    }
    if (missing.length) banners.raise("weak", { icon: "wifi-off", text: gettext("Network weak: video paused, audio continues. It comes back by itself.") });
    else banners.lower("weak");
    const name = call.people.filter((person) => weak.includes(person.username)).map((person) => person.name).join(", ");
    const text = gettext("The network of %(name)s is weak: video is paused for them, audio continues.");
    if (name) banners.raise("theirs", { icon: "wifi-off", text: interpolate(text, { name }, true) });
    else banners.lower("theirs");
  };
  for (const name of ["joined", "tracks"]) {
    call.signal.addEventListener(name, (event) => {
      tracks = /** @type {CustomEvent} */ (event).detail.tracks;
      draw();
    });
  }
  call.addEventListener("people", draw);
}

/** @param {HTMLElement} tile @param {string} css @param {boolean} on @param {string} words */
function mark(tile, css, on, words) {
  const known = tile.querySelector(`.${css}`);
  if (!on) known?.remove();
  else if (!known) tile.insertBefore(element("div", { class: css, role: "note" }, icon("wifi-off"), element("span", {}, words)), tile.querySelector(".tile-label"));
}
