// @ts-check
/** Native dialogs made in code: one to confirm, one to show. */
import { element, icon } from "@/base/dom.js";

let made = 0;

/**
 * @param {string} title
 * @param {Node[]} content
 * @param {Node[]} actions
 * @returns {HTMLDialogElement} shown; removes itself when closed
 */
export function show(title, content, actions) {
  const id = `dialog-title-${++made}`;
  const close = element("button", { class: "button button-quiet button-icon button-small", "aria-label": gettext("Close") }, icon("x"));
  const head = element("div", { class: "dialog-head" }, element("h2", { id }, title), close);
  const form = element("form", { method: "dialog", class: "dialog-body" }, head, ...content);
  if (actions.length) form.append(element("div", { class: "dialog-actions" }, ...actions));
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { class: "dialog", "aria-labelledby": id }, form));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Asks before what cannot be undone.
 * @param {{title: string, text?: string, verb: string, danger?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, text = "", verb, danger = true }) {
  const back = element("button", { class: "button", value: "" }, gettext("Go back"));
  const go = element("button", { class: `button ${danger ? "button-danger" : "button-primary"}`, value: "yes" }, verb);
  const dialog = show(title, text ? [element("p", {}, text)] : [], [back, go]);
  back.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
  });
}
