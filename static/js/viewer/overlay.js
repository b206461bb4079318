// @ts-check
/** The words that are always on screen: whose image, what, which frame, window, zoom and scale. */
import { common } from "@/viewer/tools/geometry.js";
import { element, icon } from "@/base/dom.js";
import { edgesOf } from "@/viewer/orientation.js";
import { windowOf } from "@/viewer/view.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */

const SMALL = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]; // mm, under the microscope
const LENGTHS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

export class Overlay {
  prior = "";

  /** @param {HTMLElement} box of a pane */
  constructor(box) {
    this.corners = Object.fromEntries(["tl", "tr", "bl", "br"].map((name) => [name, element("div", { class: `overlay overlay-${name}`, [`data-overlay-${name}`]: "" })]));
    this.edges = Object.fromEntries(["top", "right", "bottom", "left"].map((name) => [name, element("div", { class: `edge edge-${name}`, [`data-edge-${name}`]: "" })]));
    this.unseen = element("div", { class: "pane-note", role: "status", "data-unseen": "" });
    box.append(this.unseen, ...Object.values(this.corners), ...Object.values(this.edges));
  }

  /** @param {any} patient @param {Img | undefined} image */
  whose(patient, image) {
    const years = patient.age === null || patient.age === undefined ? "" : interpolate(gettext("%(age)s years"), { age: patient.age }, true);
    const lines = [element("strong", {}, patient.name || gettext("No patient yet")), line([patient.sex, years].filter(Boolean).join(" · ")), line(patient.number)];
    if (image?.otherPatient) {
      const other = element("div", { class: "badge tone-warn" }, icon("triangle-alert"), interpolate(gettext("File says: %(name)s"), { name: image.otherPatient }, true));
      lines.push(other);
    }
    this.corners.tl.replaceChildren(...lines);
  }

  /** @param {string} prior that it is an earlier image @param {string} unseen that others cannot see it */
  remark(prior, unseen) {
    this.prior = prior;
    if (this.unseen.textContent !== unseen) this.unseen.replaceChildren(...(unseen ? [icon("eye-off"), unseen] : []));
  }

  /** @param {Img} image @param {View} view @param {number} place from 0 @param {number} count @param {number} scale screen pixels for one column */
  how(image, view, place, count, scale) {
    const side = { L: gettext("Left"), R: gettext("Right"), B: gettext("Both sides") }[image.laterality] ?? image.laterality;
    this.corners.tr.replaceChildren(line(image.title), line([side, image.view].filter(Boolean).join(" ")), line(image.takenOn ? image.day : interpolate(gettext("Sent %(day)s"), { day: image.day }, true)), element("div", { class: "overlay-still" }, image.still), ...priorBadge(this.prior), ...altered(view));
    this.#lie(edgesOf(image, view));
    if (image.reportUrl) {
      for (const name of ["bl", "br"]) this.corners[name].replaceChildren();
      return;
    }
    const where = image.pages ? gettext("Page %(place)s / %(count)s") : gettext("Image %(place)s / %(count)s");
    this.corners.bl.replaceChildren(line(interpolate(where, { place: place + 1, count }, true)), line(image.pages ? "" : `${image.width} × ${image.height}`));
    const shown = windowOf(view, image);
    const look = shown ? line(`${gettext("W")} ${Math.round(shown.width)} ${gettext("L")} ${Math.round(shown.center)}`) : line("");
    this.corners.br.replaceChildren(look, line(interpolate(gettext("Zoom %(percent)s%"), { percent: percentOf(scale * devicePixelRatio) }, true)), line(powerOf(image, scale)), image.pages ? "" : ruler(image, scale));
  }

  /** @param {import("@/viewer/orientation.js").Edges | null} edges */
  #lie(edges) {
    for (const [name, mark] of Object.entries(this.edges)) mark.textContent = edges ? edges[/** @type {"top"} */ (name)] : "";
  }

  empty() {
    this.#lie(null);
    this.remark("", "");
    for (const name of ["tr", "bl", "br"]) this.corners[name].replaceChildren();
  }
}

/** @param {string} text */
function line(text) {
  return element("div", {}, text || "");
}

/** @param {string} words */
function priorBadge(words) {
  return words ? [element("div", { class: "badge badge-prior", "data-prior": "" }, icon("history"), words)] : [];
}

/** That it is not shown as it was taken: a mirrored image has left and right changed. @param {View} view */
function altered(view) {
  const words = [];
  if (view.flip) words.push(gettext("Mirrored"));
  if (view.turn) words.push(interpolate(gettext("Turned by %(degrees)s°"), { degrees: view.turn * 90 }, true));
  if (view.invert) words.push(gettext("Inverted"));
  return words.length ? [element("div", { class: "badge tone-warn", "data-altered": "" }, icon("triangle-alert"), words.join(" · "))] : [];
}

/** @param {number} scale */
function percentOf(scale) {
  return scale < 0.1 ? (scale * 100).toPrecision(2) : Math.round(scale * 100);
}

/** What a microscope of this power would show, of a slide that says how large its pixels are: 10 times at 1 µm a pixel.
 * @param {Img} image @param {number} scale screen pixels for one column */
function powerOf(image, scale) {
  if (!image.slide || !image.spacing) return "";
  const power = (0.01 / image.spacing.column) * scale;
  return interpolate(gettext("As under %(power)s×"), { power: power < 10 ? power.toPrecision(2) : Math.round(power) }, true);
}

/** A bar of a round length: millimetres where the file says how large a pixel is, else pixels. @param {Img} image @param {number} scale */
function ruler(image, scale) {
  const spacing = image.regions?.length ? common(image.regions) : image.spacing; // of an ultrasound only where all of it is alike
  const unit = spacing ? "mm" : "px";
  const each = spacing ? scale / spacing.column : scale;
  const lengths = image.slide && spacing ? [...SMALL, ...LENGTHS] : LENGTHS;
  const length = lengths.filter((long) => long * each <= 120).pop() ?? lengths[0];
  const bar = element("div", { "data-ruler": unit }, length < 1 ? `${Math.round(length * 1000)} µm` : `${length} ${unit}`);
  Object.assign(bar.style, { width: `${Math.max(2, length * each)}px`, marginInlineStart: "auto", borderBottom: "2px solid currentcolor", whiteSpace: "nowrap", display: "flex", justifyContent: "flex-end" });
  return bar;
}
