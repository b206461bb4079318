// @ts-check
/**
 * `<form data-confirm="Cancel the request for Li Wei?" data-confirm-text="…" data-confirm-verb="Cancel request">`
 * asks first. Works for plain and htmx forms and for single buttons with the attribute.
 */
import { ask } from "@/base/dialogs.js";

const agreed = new WeakSet();

/** @param {HTMLElement} asked @param {HTMLElement | null} submitter */
function question(asked, submitter) {
  const { confirm = "", confirmText = "", confirmVerb, confirmTone } = asked.dataset;
  const verb = confirmVerb || submitter?.textContent?.trim() || gettext("Continue");
  return ask({ title: confirm, text: confirmText, verb, danger: confirmTone !== "calm" });
}

/** The form itself, or the same in the fragment that replaced it while the person thought. @param {HTMLFormElement} form */
function standing(form) {
  if (form.isConnected) return form;
  const action = CSS.escape(form.getAttribute("action") ?? "");
  return /** @type {HTMLFormElement | null} */ (document.querySelector(`form[action="${action}"]`)) ?? form;
}

export function startConfirm() {
  document.addEventListener(
    "submit",
    async (event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      const submitter = /** @type {HTMLElement | null} */ (event.submitter);
      const asked = submitter?.dataset.confirm ? submitter : form.dataset.confirm ? form : null;
      if (!asked || agreed.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!(await question(asked, submitter))) return;
      const now = standing(form);
      agreed.add(now);
      now.requestSubmit(submitter && now.contains(submitter) ? submitter : null);
    },
    true,
  );
  // htmx requests that no form submits: buttons with hx-post of their own.
  document.body.addEventListener("htmx:confirm", async (event) => {
    const { elt, issueRequest } = /** @type {any} */ (event).detail;
    if (!elt.dataset.confirm || elt instanceof HTMLFormElement) return;
    event.preventDefault();
    if (await question(elt, elt)) issueRequest(true);
  });
}
