// @ts-check
/** The viewer on a page of its own. */
import { mountViewer } from "@/viewer/mount.js";

const root = document.querySelector("[data-viewer]");
if (root instanceof HTMLElement) {
  const { viewer, viewerImage, viewerYou = "" } = root.dataset;
  mountViewer(root, { consultation: Number(viewer), you: viewerYou, image: Number(viewerImage) });
}
