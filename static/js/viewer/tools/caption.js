// @ts-check
/** A line to write the words of a mark into, beside it. */
import { element } from "@/base/dom.js";

const LONGEST = 200;
const WIDE = 240;

/** @param {HTMLElement} box @param {number[]} at on the screen @param {string} text @returns {Promise<string>} as it was when Escape is pressed */
export function caption(box, [x, y], text) {
  const field = /** @type {HTMLInputElement} */ (element("input", { class: "input mark-caption", maxlength: String(LONGEST), "aria-label": gettext("Words beside the mark"), placeholder: gettext("Words, then Enter") }));
  field.value = text;
  const left = Math.max(4, Math.min(x, box.clientWidth - WIDE - 4));
  const top = Math.max(4, Math.min(y + 8, box.clientHeight - 48));
  Object.assign(field.style, { left: `${left}px`, top: `${top}px` });
  box.append(field);
  field.focus();
  return new Promise((resolve) => {
    let done = false;
    const end = (/** @type {string} */ words) => {
      if (done) return;
      done = true;
      field.remove();
      resolve(words.trim());
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing) return; // Enter chooses a Chinese word
      if (event.key === "Enter") end(field.value);
      else if (event.key === "Escape") end(text);
    });
    field.addEventListener("blur", () => end(field.value));
  });
}
