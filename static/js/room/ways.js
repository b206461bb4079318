// @ts-check
/** The way to the relay in words: which one works, and what to ask of the network desk. */
import { ways } from "@/room/ice.js";

/** @typedef {import("@/room/probe.js").Way} Way */

/** @param {Way} way @param {number} trip seconds */
export function inWords(way, trip) {
  const words = {
    udp: gettext("directly by UDP"),
    tcp: gettext("directly by TCP"),
    "turn-udp": gettext("through the TURN server by UDP"),
    "turn-tcp": gettext("through the TURN server by TCP"),
    "turn-tls": gettext("through the TURN server by TLS"),
  };
  return interpolate(gettext("Round trip %(trip)s ms, %(path)s."), { trip: Math.round(trip * 1000), path: words[way] }, true);
}

/** What would be better, empty when nothing. @param {Way} way */
export function advice(way) {
  if (way === "udp" || way === "turn-udp" || ways.onlyTurn) return "";
  return `${gettext("Your network lets no UDP through: pictures may stand still at times.")} ${ask()}`;
}

/** What to do when no way works. */
export function noWay() {
  const words = gettext("The media relay cannot be reached from here. You can join; the call connects as soon as it can.");
  return `${words} ${ask()}`;
}

function ask() {
  const { relays, turn } = ways.addresses;
  const udp = interpolate(gettext("For your network desk: please allow UDP to %(addresses)s."), { addresses: relays.join(", ") || "–" }, true);
  if (!turn.length) return udp;
  return `${udp} ${interpolate(gettext("Or UDP, TCP and TLS to %(addresses)s."), { addresses: turn.join(", ") }, true)}`;
}

/** The switch of a person whose network blocks video. @param {HTMLElement} root @param {() => void} again */
export function startSwitch(root, again) {
  const label = /** @type {HTMLElement} */ (root.querySelector("[data-only-turn]"));
  const box = /** @type {HTMLInputElement} */ (label.querySelector("input"));
  const show = () => (label.hidden = !ways.any);
  box.checked = ways.onlyTurn;
  box.addEventListener("change", () => {
    ways.onlyTurn = box.checked;
    again();
  });
  ways.addEventListener("renewed", show);
  show();
}
