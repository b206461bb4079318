// @ts-check
/** What an image may be compared with: the patient's earlier images, of this consultation and of others this person may see. */
import { element, icon } from "@/base/dom.js";
import { mountMenu } from "@/viewer/menu.js";
import { fetchImages } from "@/viewer/series.js";
import { first } from "@/viewer/view.js";

/**
 * @typedef {import("@/viewer/view.js").Img} Img
 * @typedef {{key: string, title: string, modality: string, day: string, count: number, images: number[]}} PriorSeries
 * @typedef {{consultation: number, number: string, hiddenFrom: string[], series: PriorSeries[]}} Prior `hiddenFrom`: names of those of the call who may not see it
 */

export class Priors {
  /** @type {Prior[]} */ #offered = [];
  /** @type {Promise<void> | null} */ #asked = null;
  /** @type {Map<number, any>} patients, by consultation that was fetched */ patients = new Map();
  /** @type {Img[]} those fetched */ images = [];

  /** @param {import("@/viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.button = element("button", { type: "button", class: "tool", "data-compare": "" }, icon("git-compare"), gettext("Compare"));
    this.button.hidden = true;
    viewer.toolbar.panes.append(this.button);
    this.menu = mountMenu(viewer.root, this.button, gettext("Compare with"), () => this.#choices());
  }

  /** Once; an offer that could not be fetched is asked for again the next time. */
  ask() {
    this.#asked ??= fetch(`/consultations/${this.viewer.options.consultation}/images/priors/`, { headers: { Accept: "application/json", "X-Background": "1" } })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
      .then(({ priors }) => {
        this.#offered = priors;
      })
      .catch(() => {
        this.#asked = null;
      });
    return this.#asked;
  }

  /** The consultations that have these images are fetched. @param {number[]} wanted keys of images */
  async bring(wanted) {
    await this.ask();
    const has = (/** @type {Prior} */ prior) => prior.series.some((each) => each.images.some((pk) => wanted.includes(pk)));
    for (const { consultation } of this.#offered.filter((prior) => has(prior) && !this.patients.has(prior.consultation))) {
      const found = await fetchImages(consultation).catch(() => null);
      if (!found || this.patients.has(consultation)) continue;
      this.patients.set(consultation, found.patient);
      const apart = found.images.filter((each) => each.shown).map((each) => ({ ...each, series: `${consultation}/${each.series}` }));
      this.images.push(...apart);
    }
  }

  /** Others are in the call now: who of them may see what. */
  async met() {
    if (!this.#offered.length) return;
    this.#asked = null;
    await this.ask();
    this.viewer.grid.draw();
  }

  /** Names of those in the call who may not see it. @param {Img} image */
  hiddenFrom(image) {
    return this.#offered.find((prior) => prior.consultation === image.consultation)?.hiddenFrom ?? [];
  }

  /** Earlier than what the active pane shows. */
  #earlier() {
    const { image, shelf, series } = this.viewer;
    if (!image) return { own: [], others: [] };
    const own = shelf.isFar(image) ? [] : series.filter(({ images: [each] }) => each.day < image.day);
    const far = this.#offered.filter((prior) => prior.consultation !== image.consultation);
    const others = far.flatMap((prior) => prior.series.filter((each) => each.day <= image.day).map((each) => ({ prior, each })));
    return { own, others };
  }

  /** Of the same modality first, then the newest. */
  #sorted() {
    const { own, others } = this.#earlier();
    const here = own.map(({ title, images, stack }) => ({ title, modality: images[0].modality, day: images[0].day, count: stack.length, images: images.map((each) => each.pk), number: "" }));
    const there = others.map(({ prior, each }) => ({ ...each, number: prior.number || gettext("Draft") }));
    const rank = (/** @type {{modality: string}} */ { modality }) => (modality === this.viewer.image?.modality ? 0 : 1);
    return [...here, ...there].sort((one, other) => rank(one) - rank(other) || other.day.localeCompare(one.day));
  }

  async #choices() {
    await this.ask();
    return this.#sorted().map(({ day, title, count, images, number }) => {
      const where = [number ? interpolate(gettext("Consultation %(number)s"), { number }, true) : gettext("This consultation"), count > 1 ? interpolate(ngettext("%(count)s image", "%(count)s images", count), { count }, true) : ""];
      const label = element("span", { class: "prior-choice" }, element("strong", {}, day), element("span", {}, title), element("small", {}, where.filter(Boolean).join(" · ")));
      return { label, name: String(images[0]), choose: () => this.#open(images) };
    });
  }

  show() {
    const { own, others } = this.#earlier();
    this.button.hidden = own.length + others.length === 0;
  }

  /** Beside the active pane, scrolled to about the same height, and linked with it. @param {number[]} images of one series */
  async #open(images) {
    const { viewer } = this;
    await this.bring(images);
    viewer.shelf.gather();
    const known = viewer.shelf.stacks.find((each) => each.images.some(({ pk }) => pk === images[0]));
    if (known) viewer.grid.compare(known, viewer.remembered.get(known.images[0].pk) ?? first(known.images[0]));
  }

  end() {
    this.menu.end();
  }
}
