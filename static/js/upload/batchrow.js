// @ts-check
/** The one row that stands for many files. Says what was pressed through `acts`. */
import { element, icon } from "@/base/dom.js";

/** @typedef {import("@/upload/batch.js").Batch} Batch */
/** @typedef {{retry(batch: Batch): void, drop(batch: Batch): void}} BatchActs */

const NAMED = 3;

export class BatchRow {
  /** @param {Batch} batch @param {BatchActs} acts */
  constructor(batch, acts) {
    this.batch = batch;
    this.state = element("div", { class: "file-state" });
    this.bar = /** @type {HTMLProgressElement} */ (element("progress", { class: "progress", max: "1000", value: "0", "aria-label": title(batch) }));
    this.missing = element("ul", { class: "file-missing", "data-batch-missing": "" });
    this.again = button(gettext("Try again"), () => acts.retry(batch));
    this.end = button(gettext("Cancel"), () => acts.drop(batch));
    const text = element("div", {}, element("div", { class: "file-name truncate" }, title(batch)), this.state, this.bar, this.missing);
    this.row = element("li", { class: "file", "data-upload-batch": batch.name }, element("span", { class: "file-picture" }, icon("folder-up")), text, element("div", { class: "row row-nowrap" }, this.again, this.end));
  }

  update() {
    const { batch } = this;
    const { files, stored, bytes, done, cut } = batch.standing;
    const counted = interpolate(gettext("%(stored)s of %(files)s files arrived, %(done)s of %(bytes)s MB"), { stored, files, done: mega(done), bytes: mega(bytes) }, true);
    const beside = batch.beside ? interpolate(ngettext("%(count)s file beside them left out", "%(count)s files beside them left out", batch.beside), { count: batch.beside }, true) : "";
    this.state.textContent = [counted, beside, wholeWords(batch.index), cut].filter(Boolean).join(" · ");
    this.bar.value = bytes ? Math.floor((done * 1000) / bytes) : 1000;
    this.bar.hidden = batch.isOver;
    const missing = batch.missing;
    const lost = lostWords(batch.index);
    this.missing.hidden = !missing.length && !lost;
    const told = missing.map((each) => element("li", {}, `${names(each.names)} ${each.words}`));
    this.missing.replaceChildren(...(lost ? [element("li", { "data-lost": `${batch.index?.lost}` }, lost)] : []), ...told);
    this.row.dataset.uploadStage = batch.isOver ? (missing.length ? "refused" : "stored") : "sending";
    this.again.hidden = !batch.isOver || !batch.failed.length;
    this.end.textContent = batch.isOver ? gettext("Close") : gettext("Cancel");
  }
}

/** @param {Batch} batch */
function title(batch) {
  return batch.name || interpolate(gettext("%(count)s files"), { count: batch.sendings.length }, true);
}

/** What a disc's index names and the folder does not hold, "" when nothing. @param {import("@/upload/disc.js").Index | null | undefined} index */
export function lostWords(index) {
  if (!index?.lost) return "";
  const words = gettext("The disc's index (DICOMDIR) names %(count)s files, %(lost)s of them are not in this folder. Copy the whole disc again:");
  const named = `${index.names.join(", ")}${index.lost > index.names.length ? " …" : ""}`;
  return `${interpolate(words, { count: index.files, lost: index.lost }, true)} ${named}`;
}

/** @param {import("@/upload/disc.js").Index | null} index */
function wholeWords(index) {
  if (!index || index.lost) return "";
  return interpolate(gettext("the disc's index (DICOMDIR) names %(count)s files, all are here"), { count: index.files }, true);
}

/** The first few by name, the rest by number. @param {string[]} all */
function names(all) {
  const named = all.slice(0, NAMED).join(", ");
  if (all.length <= NAMED) return `${named}:`;
  return `${interpolate(gettext("%(names)s and %(count)s more:"), { names: named, count: all.length - NAMED }, true)}`;
}

/** @param {number} bytes */
function mega(bytes) {
  return (bytes / 1024 / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0);
}

/** @param {string} label @param {() => void} act */
function button(label, act) {
  const made = element("button", { type: "button", class: "button button-small" }, label);
  made.addEventListener("click", act);
  return made;
}
