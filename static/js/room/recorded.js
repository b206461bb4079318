// @ts-check
/** Counts the seconds recorded in the strip that says so; the strip itself is a fragment of the site. */
import { duration } from "@/room/clock.js";

/** @param {HTMLElement} root */
export function startRecorded(root) {
  /** @type {Element | null} */
  let told = null;
  let began = 0;
  const draw = () => {
    const clock = /** @type {HTMLElement | null} */ (root.querySelector("[data-recorded]"));
    if (clock !== told) began = performance.now() - 1000 * Number(clock?.dataset.recorded ?? 0);
    told = clock;
    if (clock) clock.textContent = duration(Math.floor((performance.now() - began) / 1000));
  };
  setInterval(draw, 1000);
  document.body.addEventListener("htmx:load", draw);
}
