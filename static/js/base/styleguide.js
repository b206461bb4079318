// @ts-check
/** The style guide's own buttons. */
import { toast } from "@/base/toasts.js";

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element && event.target.closest("[data-guide-toast]");
  const tone = button && button.getAttribute("data-guide-toast");
  if (tone === "ok") toast("The request was sent.", { tone });
  if (tone === "danger") toast("The server could not do this. Nothing was changed.", { tone, id: "7f3a-21c9" });
});
