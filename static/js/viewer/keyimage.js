// @ts-check
/** Puts what is on screen into the opinion that this person writes: button and K. */
import { csrf, element, icon } from "@/base/dom.js";
import { toast } from "@/base/toasts.js";
import { actUrl } from "@/viewer/view.js";

/** @param {import("@/viewer/viewer.js").Viewer} viewer @returns {{show(): void, end(): void}} `show` after another image was opened */
export function mountKeyImage(viewer) {
  const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "tool", "data-key-image-add": "" }, icon("image-plus"), gettext("Into the opinion")));
  button.hidden = true;
  viewer.toolbar.bar.append(button);

  /** The frame as it is looked at. @returns {string} */
  const address = () => {
    const { view, image } = viewer;
    if (!view || !image || image.reportUrl) return ""; // a report is text
    return actUrl(image, view, "key", viewer.pane.stage.region(image));
  };

  const add = async () => {
    const url = address();
    if (button.hidden || button.disabled || !url || !viewer.pane.painter.drawn) return;
    button.disabled = true;
    try {
      const answer = await fetch(url, { method: "POST", headers: { "X-CSRFToken": csrf(), Accept: "application/json" } });
      const said = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(said.message ?? gettext("The image was not added. Try again."));
      toast(interpolate(ngettext("In the opinion now: %(count)s image", "In the opinion now: %(count)s images", said.count), said, true), { tone: "ok" });
      document.body.dispatchEvent(new CustomEvent("key-images"));
    } catch (error) {
      toast(error instanceof TypeError ? gettext("No connection. Try again in a moment.") : String(/** @type {any} */ (error).message), { tone: "warn" });
    } finally {
      button.disabled = false;
    }
  };

  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key.toLowerCase() !== "k" || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    add();
  };

  button.addEventListener("click", add);
  viewer.viewport.addEventListener("keydown", key);
  return {
    show: () => (button.hidden = !viewer.shelf.writes || viewer.shelf.isFar(viewer.image)),
    end: () => viewer.viewport.removeEventListener("keydown", key),
  };
}
