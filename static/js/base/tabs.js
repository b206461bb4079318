// @ts-check
/** `[role=tablist]` with `[role=tab][aria-controls]`: click, arrow keys, Home and End; sends `tab:shown` on the panel. */

/** @param {HTMLElement} tab */
export function showTab(tab) {
  const list = tab.closest("[role=tablist]");
  for (const other of list?.querySelectorAll("[role=tab]") ?? []) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.setAttribute("tabindex", chosen ? "0" : "-1");
    const panel = document.getElementById(other.getAttribute("aria-controls") ?? "");
    if (!panel) continue;
    panel.hidden = !chosen;
    if (chosen) panel.dispatchEvent(new CustomEvent("tab:shown", { bubbles: true }));
  }
}

/** @param {HTMLElement[]} tabs @param {number} at @param {string} key */
function neighbour(tabs, at, key) {
  const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
  const to = /** @type {Record<string, number>} */ (steps)[key];
  return to === undefined ? null : tabs[(to + tabs.length) % tabs.length];
}

export function startTabs() {
  document.addEventListener("click", (event) => {
    const tab = event.target instanceof Element && event.target.closest("[role=tab]");
    if (tab instanceof HTMLElement) showTab(tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target instanceof Element && event.target.closest("[role=tab]");
    if (!(tab instanceof HTMLElement)) return;
    const tabs = /** @type {HTMLElement[]} */ ([...(tab.closest("[role=tablist]")?.querySelectorAll("[role=tab]") ?? [])]);
    const next = neighbour(tabs, tabs.indexOf(tab), event.key);
    if (!next) return;
    event.preventDefault();
    showTab(next);
    next.focus();
  });
}
