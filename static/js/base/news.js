// @ts-check
/**
 * News of the sockets as events of the page. `news`: fragments fetch themselves again. `annotations`: marks on images
 * changed; only an open viewer looks, for they come by the dozen and no fragment shows them.
 */

/** @param {Record<string, unknown>} detail with `kind` */
export function ring(detail) {
  document.body.dispatchEvent(new CustomEvent(detail.kind === "annotation" ? "annotations" : "news", { detail }));
  if (detail.kind === "missed") document.body.dispatchEvent(new CustomEvent("annotations", { detail }));
}
