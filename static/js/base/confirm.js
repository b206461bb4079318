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
      agreed.add(form);
      form.requestSubmit(submitter);
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
