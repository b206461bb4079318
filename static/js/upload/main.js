// @ts-check
/** Starts every upload zone, also those that come later with a fragment. */
import { isBusy } from "@/upload/queue.js";
import { startZone } from "@/upload/zone.js";

/** @param {ParentNode} root */
function start(root) {
  root.querySelectorAll("[data-upload]").forEach((zone) => startZone(/** @type {HTMLElement} */ (zone)));
}

start(document);
document.body.addEventListener("htmx:load", (event) => {
  const target = event.target;
  if (target instanceof HTMLElement && target.matches("[data-upload]")) startZone(target);
  start(target instanceof Element ? target : document);
});
window.addEventListener("beforeunload", (event) => {
  if (isBusy()) event.preventDefault();
});
