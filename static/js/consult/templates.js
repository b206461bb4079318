// @ts-check
/** Texts a report begins with: the chosen one goes into the fields, below what is there; the browser's own undo takes it back. */

const TEXTS = ["findings", "diagnosis", "recommendation"];

/** @param {HTMLFormElement} form */
export function offerTemplates(form) {
  const choice = form.querySelector("[data-template-choice]");
  const insert = form.querySelector("[data-template-insert]");
  if (!(choice instanceof HTMLSelectElement) || !(insert instanceof HTMLButtonElement)) return;
  choice.addEventListener("change", () => (insert.disabled = !choice.value));
  insert.addEventListener("click", () => {
    const texts = choice.selectedOptions[0]?.dataset ?? {};
    for (const name of [...TEXTS].reverse()) {
      const words = texts[name];
      const field = form.elements.namedItem(name);
      if (words && field instanceof HTMLTextAreaElement) append(field, words); // the first one keeps the focus
    }
  });
}

/** @param {HTMLTextAreaElement} field @param {string} words */
function append(field, words) {
  const joined = field.value.trim() ? `\n${words}` : words;
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  // Only so can Ctrl+Z take it back; there is no other way to write into a field's history.
  document.execCommand("insertText", false, joined);
}
