// @ts-check
/** How long the call lasts for this page, and that its person is still here: being in a call is an act. */

const ALIVE_EVERY = 5 * 60_000;

/** @param {HTMLElement} root */
export function startClock(root) {
  const place = /** @type {HTMLElement} */ (root.querySelector("[data-duration]"));
  const began = Date.now();
  setInterval(() => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    /** @param {number} part */
    const two = (part) => String(part).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    place.textContent = hours ? `${hours}:${rest}` : rest;
  }, 1000);
  setInterval(() => alive(root.dataset.aliveUrl ?? ""), ALIVE_EVERY);
}

/** @param {string} url */
async function alive(url) {
  if (!url) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  await fetch(url, { method: "POST", headers }).catch(console.warn);
}
