// @ts-check
/** The resident identity number (GB 11643) fills in birth date and sex, and says at once when a digit is wrong. */

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK = "10X98765432";

/** @param {string} text */
export function isResidentId(text) {
  if (!/^\d{17}[\dX]$/.test(text)) return false;
  const sum = WEIGHTS.reduce((total, weight, at) => total + weight * Number(text[at]), 0);
  return text[17] === CHECK[sum % 11];
}

/** @param {HTMLFormElement} form */
function watch(form) {
  const number = /** @type {HTMLInputElement} */ (form.elements.namedItem("id_number"));
  const birth = /** @type {HTMLInputElement} */ (form.elements.namedItem("birth_date"));
  const said = /** @type {HTMLElement} */ (form.querySelector("[data-id-said]"));
  number.addEventListener("input", () => {
    const text = number.value.trim().toUpperCase();
    said.hidden = text.length < 18;
    if (said.hidden) return;
    if (!isResidentId(text)) {
      said.textContent = gettext("This number is not valid: check every digit, the last one too.");
      return;
    }
    birth.value = `${text.slice(6, 10)}-${text.slice(10, 12)}-${text.slice(12, 14)}`;
    const sex = Number(text[16]) % 2 ? "male" : "female";
    const box = form.querySelector(`input[name="sex"][value="${sex}"]`);
    if (box instanceof HTMLInputElement) box.checked = true;
    said.textContent = gettext("Birth date and sex were taken from the number.");
    birth.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

for (const form of document.querySelectorAll("form[data-patient]")) watch(/** @type {HTMLFormElement} */ (form));
