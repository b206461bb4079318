// @ts-check
/** Buttons with `data-copy` put the value of the field they name on the clipboard, and say so. */

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.getAttribute("data-copy") ?? "");
  const words = button.querySelector("span");
  if (!(field instanceof HTMLInputElement) || !words) continue;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      words.textContent = gettext("Copied");
    } catch {
      words.textContent = gettext("Press Ctrl+C"); // no permission: the text is selected
    }
  });
}
