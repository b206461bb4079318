// @ts-check
/** Acts on consultations: dialogs that come as fragments, and what is said after an act. */
import { toast } from "@/base/toasts.js";
import { startCodes } from "@/consult/codes.js";

/** Opens the dialog that was just fetched into `[data-dialogs]`; one that came back with errors opens again. @param {Event} event */
function openFetched(event) {
  const holder = /** @type {any} */ (event).detail.target;
  if (!(holder instanceof HTMLElement) || !holder.matches("[data-dialogs]")) return;
  const dialog = holder.querySelector("dialog[data-dialog]");
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  const first = dialog.querySelector("[aria-invalid='true'], [autofocus], textarea, input:not([type=hidden])");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {Event} event */
function onActed(event) {
  for (const dialog of document.querySelectorAll("[data-dialogs] dialog")) {
    /** @type {HTMLDialogElement} */ (dialog).close();
  }
  toast(/** @type {CustomEvent} */ (event).detail.words, { tone: "ok" });
}

/** A refused act closes its dialog too: the page behind it has changed. @param {Event} event */
function onRefused(event) {
  const status = /** @type {any} */ (event).detail.xhr.status;
  if (status !== 409 && status !== 403 && status !== 404) return;
  for (const dialog of document.querySelectorAll("[data-dialogs] dialog")) {
    /** @type {HTMLDialogElement} */ (dialog).close();
  }
}

document.body.addEventListener("htmx:afterSwap", openFetched);
document.body.addEventListener("acted", onActed);
document.body.addEventListener("htmx:responseError", onRefused);
startCodes();
