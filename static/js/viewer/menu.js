// @ts-check
/** A list of choices under a button of the tools, which scroll: it stands on the screen, not in their row. */
import { element } from "@/base/dom.js";

/** @typedef {{label: Node | string, isChosen?: boolean, choose(): void, name?: string}} Choice `isChosen`: one of several, left out where choosing only does something; `name`: for tests */

/**
 * @param {HTMLElement} root the viewer @param {HTMLElement} button @param {string} label @param {() => Choice[] | Promise<Choice[]>} choices asked for when it opens
 * @returns {{end(): void}}
 */
export function mountMenu(root, button, label, choices) {
  const list = element("div", { class: "tool-menu", role: "menu", "aria-label": label });
  list.hidden = true;
  root.append(list);
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");

  /** @param {boolean} back whether the keys go back to the button */
  const close = (back) => {
    if (list.hidden) return;
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (back) button.focus();
  };

  const open = async () => {
    const made = (await choices()).map(({ label: words, isChosen, choose, name = "" }) => {
      const item = element("button", { type: "button", role: isChosen === undefined ? "menuitem" : "menuitemradio", tabindex: "-1", "data-choice": name }, words);
      if (isChosen !== undefined) item.setAttribute("aria-checked", String(isChosen));
      item.addEventListener("click", () => {
        close(true);
        choose();
      });
      return item;
    });
    list.replaceChildren(...made);
    list.hidden = false;
    button.setAttribute("aria-expanded", "true");
    const at = button.getBoundingClientRect();
    list.style.top = `${at.bottom + 4}px`;
    list.style.left = `${Math.max(8, Math.min(at.left, innerWidth - list.offsetWidth - 8))}px`;
    list.style.maxHeight = `${innerHeight - at.bottom - 16}px`;
    (made.find((item) => item.getAttribute("aria-checked") === "true") ?? made[0])?.focus();
  };

  const outside = (/** @type {Event} */ event) => {
    if (event.target instanceof Node && !list.contains(event.target) && !button.contains(event.target)) close(false);
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    const items = /** @type {HTMLElement[]} */ ([...list.children]);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step) items[(items.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  button.addEventListener("click", () => (list.hidden ? open() : close(true)));
  list.addEventListener("keydown", key);
  document.addEventListener("pointerdown", outside);
  return { end: () => document.removeEventListener("pointerdown", outside) };
}
