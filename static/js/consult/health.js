// @ts-check
/** The system's health on the scheduler's page, read from /healthz every 15 s. */
import { element, icon } from "@/base/dom.js";
import { clockTime } from "@/base/times.js";

const EVERY = 15_000;
const card = /** @type {HTMLElement | null} */ (document.querySelector("[data-health]"));

/** @param {string} name @param {boolean} good @param {string} detail */
function part(name, good, detail) {
  const badge = element("span", { class: `badge ${good ? "tone-ok" : "tone-danger"}` }, icon(good ? "circle-check" : "circle-alert"), name);
  return element("li", { class: "row" }, badge, element("span", { class: "small muted" }, detail));
}

/** A part that runs says "up". @param {unknown} value */
const fine = (value) => value === "up";

/** @param {HTMLElement} place */
async function look(place) {
  const said = /** @type {HTMLElement} */ (place.querySelector("[data-health-said]"));
  const list = /** @type {HTMLElement} */ (place.querySelector("[data-health-parts]"));
  try {
    const answer = await fetch(place.dataset.health ?? "", { headers: { Accept: "application/json", "X-Background": "1" } });
    const health = await answer.json();
    const rows = [
      part(gettext("Database"), fine(health.database), ""),
      part(gettext("Live updates"), fine(health.channel_layer), ""),
      part(gettext("Worker"), fine(health.worker), ""),
    ];
    for (const relay of health.relays ?? []) {
      const figures = { name: relay.name, rooms: relay.rooms, people: relay.participants, load: Math.round((relay.load ?? 0) * 100) };
      const words = interpolate(gettext("%(name)s: %(rooms)s rooms, %(people)s people, load %(load)s %"), figures, true);
      rows.push(part(gettext("Relay"), true, words));
    }
    if (!health.relays?.length) rows.push(part(gettext("Relay"), false, gettext("No relay is connected: calls cannot start.")));
    list.replaceChildren(...rows);
    said.textContent = interpolate(gettext("Checked %(time)s"), { time: clockTime() }, true);
  } catch {
    said.textContent = gettext("The state of the system could not be read.");
  }
}

if (card) {
  look(card);
  setInterval(() => document.hidden || look(card), EVERY);
}
