// @ts-check
/** How long the session lasts, as the site counts it, and that this person is still here: being in a call is an act. */

const ALIVE_EVERY = 5 * 60_000;

/** @param {HTMLElement} root */
export function startClock(root) {
  /** @type {Element | null} */
  let told = null;
  let began = 0;
  const draw = () => {
    const clock = /** @type {HTMLElement | null} */ (root.querySelector("[data-elapsed]"));
    if (clock !== told) began = performance.now() - 1000 * Number(clock?.dataset.elapsed ?? 0); // the page's own clock may be wrong
    told = clock;
    if (!clock) return;
    const seconds = "over" in clock.dataset ? Number(clock.dataset.elapsed) : Math.floor((performance.now() - began) / 1000);
    /** @type {HTMLElement} */ (clock.querySelector("[data-duration]")).textContent = duration(seconds);
  };
  draw();
  setInterval(draw, 1000);
  document.body.addEventListener("htmx:load", draw);
  setInterval(() => alive(root.dataset.aliveUrl ?? ""), ALIVE_EVERY);
}

/** "05:07", "1:05:07". @param {number} seconds */
export function duration(seconds) {
  /** @param {number} part */
  const two = (part) => String(part).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** @param {string} url */
async function alive(url) {
  if (!url) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  await fetch(url, { method: "POST", headers }).catch(console.warn);
}
