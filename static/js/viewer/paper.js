// @ts-check
/** The page of printed images: its button opens the browser's printing. */
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
