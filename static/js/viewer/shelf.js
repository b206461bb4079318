// @ts-check
/** The images there are: the consultation's own, and of its patient's earlier ones those that were asked for. */
import { Priors } from "@/viewer/priors.js";
import { fetchImages, seriesOf } from "@/viewer/series.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/series.js").Series} Series */

const SELDOM = 2000; // ms between two fetches because of an image nobody here knows

export class Shelf {
  /** @type {Img[]} */ own = [];
  /** @type {Img[]} with the earlier ones */ images = [];
  /** @type {Series[]} of the consultation itself: what the rail has */ series = [];
  /** @type {Series[]} of all images */ stacks = [];
  /** @type {any} */ patient = {};
  writes = false; // the opinion
  #asked = 0;

  /** @param {import("@/viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.priors = new Priors(viewer);
  }

  /** Fetches the list; what panes wait for is looked for among the earlier images too. @returns {Promise<boolean>} whether it came */
  async load() {
    const found = await fetchImages(this.viewer.options.consultation).catch(() => null);
    if (!found) return false;
    Object.assign(this, { own: found.images, patient: found.patient, writes: found.writes });
    this.gather();
    const missing = this.missing;
    if (missing.length) {
      await this.priors.bring(missing);
      this.gather();
    }
    return true;
  }

  gather() {
    this.images = [...this.own, ...this.priors.images];
    this.stacks = seriesOf(this.images);
    this.series = this.stacks.filter(({ images }) => !this.isFar(images[0]));
  }

  /** Images that panes wait for and nobody here knows. */
  get missing() {
    const wanted = this.viewer.grid.panes.flatMap((pane) => (pane.wanted ? [pane.wanted.image] : []));
    return wanted.filter((pk) => !this.images.some((image) => image.pk === pk));
  }

  /** Whether it is time to fetch the list because of them. */
  get mayAskAgain() {
    if (!this.missing.length || Date.now() - this.#asked < SELDOM) return false;
    this.#asked = Date.now();
    return true;
  }

  /** @param {number} pk */
  imageOf(pk) {
    return this.images.find((image) => image.pk === pk);
  }

  /** @param {Img | undefined} image @returns {any} the patient as the image's own consultation has them */
  patientOf(image) {
    return (image && this.priors.patients.get(image.consultation)) ?? this.patient;
  }

  /** Of another consultation, or an earlier one of the same modality than what stands beside it. @param {Img} image */
  isPrior(image) {
    const beside = this.viewer.grid.panes.map((pane) => pane.image);
    return this.isFar(image) || beside.some((other) => other && other.modality === image.modality && other.day > image.day);
  }

  /** Of another consultation. @param {Img | undefined} image */
  isFar(image) {
    return image !== undefined && image.consultation !== this.viewer.options.consultation;
  }
}
