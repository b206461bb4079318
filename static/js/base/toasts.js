// @ts-check
/** Short news at the corner. What must be acted on belongs into the page, not here. */
import { element, icon } from "@/base/dom.js";

const ICONS = { info: "info", ok: "circle-check", warn: "triangle-alert", danger: "circle-alert" };
const STAY = 6000;

/**
 * @param {string} text
 * @param {{tone?: "info" | "ok" | "warn" | "danger", id?: string}} [options] `id`: the error id to quote; such a toast stays until closed
 */
export function toast(text, { tone = "info", id = "" } = {}) {
  const holder = document.querySelector("[data-toasts]");
  if (!holder) return;
  const close = element("button", { type: "button", class: "button button-quiet button-icon button-small toast-close" }, icon("x"));
  close.setAttribute("aria-label", gettext("Close"));
  const words = element("div", { class: "toast-text" }, text);
  if (id) words.append(element("span", { class: "toast-id mono" }, interpolate(gettext("Error id %(id)s"), { id }, true)));
  const made = element("div", { class: `toast toast-${tone}` }, icon(ICONS[tone]), words, close);
  close.addEventListener("click", () => made.remove());
  holder.append(made);
  while (holder.children.length > 4) holder.firstElementChild?.remove();
  if (tone !== "danger") leave(made);
}

/** Leaves after a while, but not while somebody reads it. @param {HTMLElement} made */
function leave(made) {
  setTimeout(() => (made.matches(":hover, :focus-within") ? leave(made) : made.remove()), STAY);
}
