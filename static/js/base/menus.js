// @ts-check
/** `<details class="menu" data-menu>` closes on Escape and on a click elsewhere; `data-opens="id"` opens a dialog. */

/** @param {Element | null} except */
function closeOthers(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu !== except) menu.removeAttribute("open");
  }
}

export function startMenus() {
  const back = document.querySelector("[data-back]");
  if (back instanceof HTMLButtonElement && history.length > 1) {
    back.hidden = false;
    back.addEventListener("click", () => history.back());
  }
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    closeOthers(target?.closest("details[data-menu]") ?? null);
    const opener = target?.closest("[data-opens]");
    const opened = opener && document.getElementById(opener.getAttribute("data-opens") ?? "");
    if (opened instanceof HTMLDialogElement) opened.showModal();
    const closer = target?.closest("dialog [data-closes]");
    if (closer) closer.closest("dialog")?.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details[data-menu][open]");
    closeOthers(null);
    /** @type {HTMLElement | null | undefined} */ (open?.querySelector("summary"))?.focus();
  });
}
