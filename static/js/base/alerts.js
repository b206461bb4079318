// @ts-check
/**
 * What must be acknowledged, on every page (templates/alert/_open.html, fetched by htmx): rings and blinks for an
 * emergency until somebody has answered, chimes for the rest, again each minute.
 */
import { isUnlocked, once, start, stop, unlock } from "@/base/ringing.js";

const AGAIN = 60_000;
let title = "";
let blinking = 0;
let wasOpen = false;
/** @type {Set<string>} */
let known = new Set();

export function startAlerts() {
  const holder = document.querySelector("[data-alerts]");
  if (!(holder instanceof HTMLElement)) return;
  holder.addEventListener("htmx:beforeSwap", keepTyped);
  holder.addEventListener("htmx:afterSwap", () => look(holder));
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => allowSound(holder), { capture: true });
  setInterval(() => holder.querySelector("[data-alert]") && wantsSound(holder) && once(), AGAIN);
}

/** Words being typed why one cannot come stay while the same emergency rings. @param {Event} event */
function keepTyped(event) {
  const { detail } = /** @type {any} */ (event);
  const field = document.activeElement;
  const ring = field instanceof HTMLInputElement && field.value ? field.closest("[data-ring]") : null;
  if (ring && String(detail.serverResponse).includes(`data-ring="${ring.getAttribute("data-ring")}"`)) detail.shouldSwap = false;
}

/** @param {HTMLElement} holder */
function wantsSound(holder) {
  return holder.querySelector("[data-sound='yes']") !== null;
}

/** @param {HTMLElement} holder */
function look(holder) {
  const ring = holder.querySelector("[data-ring]");
  const now = new Set([...holder.querySelectorAll("[data-alert]")].map((row) => row.getAttribute("data-alert") ?? ""));
  const isNew = [...now].some((pk) => !known.has(pk));
  known = now;
  if (ring) begin(holder, ring);
  else end();
  if (!ring && isNew && wantsSound(holder)) once();
  showLock(holder);
  const stack = holder.querySelector("[data-stack]");
  if (!(stack instanceof HTMLDetailsElement)) return;
  stack.open = wasOpen;
  stack.addEventListener("toggle", () => (wasOpen = stack.open));
}

/** @param {HTMLElement} holder @param {Element} ring */
function begin(holder, ring) {
  document.body.dataset.ringing = "yes";
  if (wantsSound(holder)) start();
  if (!blinking) {
    title = document.title;
    const words = ring.querySelector("h2")?.textContent ?? "";
    blinking = window.setInterval(() => (document.title = document.title === title ? `🔔 ${words}` : title), 1000);
    const isBusy = document.activeElement?.closest("input, textarea, select, dialog, [contenteditable]");
    const answer = ring.querySelector("[data-answer]");
    if (!isBusy && answer instanceof HTMLElement) answer.focus({ preventScroll: true });
  }
}

function end() {
  delete document.body.dataset.ringing;
  stop();
  if (!blinking) return;
  clearInterval(blinking);
  blinking = 0;
  document.title = title;
}

/** @param {HTMLElement} holder */
function showLock(holder) {
  const button = holder.querySelector("[data-unlock-sound]");
  if (button instanceof HTMLElement) button.hidden = isUnlocked() || !wantsSound(holder);
}

/** The first click or key of a page allows its sound. @param {HTMLElement} holder */
async function allowSound(holder) {
  if (isUnlocked()) return;
  await unlock();
  showLock(holder);
}
