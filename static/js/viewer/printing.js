// @ts-check
/** A link to the image as it is looked at, on paper: with the patient, the marks and the scale. */
import { element, icon } from "@/base/dom.js";
import { actUrl } from "@/viewer/view.js";

/** @param {import("@/viewer/viewer.js").Viewer} viewer @returns {{show(): void}} `show` after another image was opened */
export function mountPrinting(viewer) {
  const link = /** @type {HTMLAnchorElement} */ (element("a", { class: "tool", target: "_blank", rel: "noopener", "data-print-image": "" }, icon("printer"), gettext("Print")));
  viewer.toolbar.bar.append(link);
  const address = () => {
    const { view, image } = viewer;
    return view && image && image.frameUrl && !image.reportUrl ? actUrl(image, view, "print", viewer.pane.stage.region(image)) : "";
  };
  link.addEventListener("click", (event) => {
    const url = address(); // as it is looked at now
    if (url) link.href = url;
    else event.preventDefault();
  });
  return {
    show: () => {
      link.hidden = !address();
      link.href = address() || "#";
    },
  };
}
