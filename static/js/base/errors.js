// @ts-check
/** Goes to the error summary; says in words and with an id when a fragment could not be fetched. */
import { toast } from "@/base/toasts.js";

/** @param {ParentNode} [root] */
function focusSummary(root = document) {
  const summary = root.querySelector("[data-error-summary]");
  if (summary instanceof HTMLElement) summary.focus();
}

/** A link in the summary puts the cursor into its field. @param {MouseEvent} event */
function followSummary(event) {
  const link = event.target instanceof Element && event.target.closest("[data-error-summary] a[href^='#']");
  if (!link) return;
  const field = document.getElementById((link.getAttribute("href") ?? "").slice(1));
  if (!field) return;
  event.preventDefault();
  field.scrollIntoView({ block: "center" });
  field.focus({ preventScroll: true });
}

/**
 * What the server said: `X-Error-Id` and `X-Refusal` headers, or `[data-refusal]` and `[data-error-id]` in the page.
 * @param {XMLHttpRequest} answer
 */
function said(answer) {
  const page = new DOMParser().parseFromString(answer.responseText ?? "", "text/html");
  const refusal = answer.getResponseHeader("X-Refusal");
  return {
    words: refusal ? decodeURIComponent(refusal) : (page.querySelector("[data-refusal]")?.textContent?.trim() ?? ""),
    id: answer.getResponseHeader("X-Error-Id") ?? page.querySelector("[data-error-id]")?.textContent?.trim() ?? "",
  };
}

/** @param {number} status */
function meaning(status) {
  if (status === 401 || status === 403) return gettext("You may not do this, or you have been signed out. Reload the page.");
  if (status === 404) return gettext("This is no longer there. Reload the page.");
  if (status === 409) return gettext("This has changed meanwhile. Reload the page to see the current state.");
  if (status === 413) return gettext("This is too large to send.");
  if (status === 429) return gettext("Too many attempts. Wait a minute, then try again.");
  return gettext("The server could not do this. Nothing was changed. Try again.");
}

/** @param {Event} event */
function onResponseError(event) {
  const answer = /** @type {any} */ (event).detail.xhr;
  const { words, id } = said(answer);
  toast(words || meaning(answer.status), { tone: answer.status < 500 ? "warn" : "danger", id });
}

/** A refusal in words is told, not swapped into the page. @param {Event} event */
function onBeforeSwap(event) {
  const { detail } = /** @type {any} */ (event);
  if (detail.xhr.status !== 422 || !detail.xhr.getResponseHeader("X-Refusal")) return;
  detail.shouldSwap = false;
  onResponseError(event);
}

let lastUnsent = 0;

/** A fragment that refreshes itself must not pile up toasts while the line is cut. @param {Event} event */
function onSendError(event) {
  const verb = /** @type {any} */ (event).detail.requestConfig?.verb;
  if (verb === "get" && Date.now() - lastUnsent < 30_000) return;
  lastUnsent = Date.now();
  toast(gettext("No connection. What you typed is still here; try again in a moment."), { tone: "warn" });
}

export function startErrors() {
  focusSummary();
  document.addEventListener("click", followSummary);
  document.body.addEventListener("htmx:responseError", onResponseError);
  document.body.addEventListener("htmx:beforeSwap", onBeforeSwap);
  document.body.addEventListener("htmx:sendError", onSendError);
  document.body.addEventListener("htmx:timeout", onSendError);
  document.body.addEventListener("htmx:afterSwap", (event) => focusSummary(/** @type {any} */ (event).detail.target));
}
