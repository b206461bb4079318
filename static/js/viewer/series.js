// @ts-check
/** The images of a consultation in their order: series, and the frames one scrolls through. Knows no DOM. */

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {{key: string, title: string, images: Img[], stack: {image: number, frame: number}[]}} Series */

/** @param {number} consultation @returns {Promise<{patient: any, images: Img[], writes: boolean}>} `writes` the opinion */
export async function fetchImages(consultation) {
  const answer = await fetch(`/consultations/${consultation}/images/list/`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

/** @param {Img[]} images @returns {Series[]} */
export function seriesOf(images) {
  /** @type {Map<string, Series>} */
  const found = new Map();
  for (const image of images.filter((each) => each.shown)) {
    const series = found.get(image.series) ?? { key: image.series, title: image.title, images: [], stack: [] };
    found.set(image.series, series);
    series.images.push(image);
    for (let frame = 0; frame < image.frames; frame++) series.stack.push({ image: image.pk, frame });
  }
  return [...found.values()];
}

/** @param {Series[]} all @param {number} image */
export function seriesWith(all, image) {
  return all.find((series) => series.images.some((each) => each.pk === image));
}

/** Place in the stack, from 0. @param {Series} series @param {number} image @param {number} frame */
export function placeOf(series, image, frame) {
  return series.stack.findIndex((each) => each.image === image && each.frame === frame);
}
