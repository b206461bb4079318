// @ts-check
/** Light, dark or the system's wish, kept in a cookie so that the server draws the right one at once. */
const YEAR = 365 * 24 * 3600;

export function startTheme() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-theme-switch] button");
    if (button instanceof HTMLButtonElement) choose(button.value);
  });
}

/** @param {string} theme "auto", "light" or "dark" */
export function choose(theme) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const age = theme === "auto" ? 0 : YEAR;
  document.cookie = `theme=${theme}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-switch] button")) {
    button.setAttribute("aria-pressed", String(/** @type {HTMLButtonElement} */ (button).value === theme));
  }
}
