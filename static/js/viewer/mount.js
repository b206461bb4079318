// @ts-check
/** Puts the viewer into an element, alone or shared with the others of a call. */
import { Viewer } from "@/viewer/viewer.js";

/**
 * @param {HTMLElement} root what is in it stays above the tools
 * @param {import("@/viewer/viewer.js").Options} options with `send` the view and pointer are shared
 */
export function mountViewer(root, options) {
  const viewer = new Viewer(root, options);
  return {
    /** @param {any} message `view`, `pointer`, `people`, `left` or `news` of the room */
    receive(message) {
      if (message.t === "people") viewer.shelf.priors.met();
      if (message.t !== "news") viewer.together.receive(message);
      else if (message.kind === "image") viewer.load();
    },
    /** @param {number} image @param {number} [frame] */
    open: (image, frame) => viewer.open(image, frame ?? 0),
    /** What is looked at now, in every pane. */
    sight: () => viewer.sight,
    /** The middle of each of three planes as they are drawn, mm; null without them. */
    volume: () => viewer.mpr.cuts?.centres ?? null,
    destroy: () => viewer.destroy(),
  };
}
