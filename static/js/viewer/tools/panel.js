// @ts-check
/** The list of all marks of the consultation: what each measures, who drew it; choosing one goes there. */
import { element, icon } from "@/base/dom.js";
import { KINDS, initials, wordsOf } from "@/viewer/tools/kinds.js";
import { placeOf, seriesWith } from "@/viewer/series.js";

/** @typedef {import("@/viewer/tools/kinds.js").Mark} Mark */

export class Panel {
  isOpen = false;
  #shown = "";

  /** @param {HTMLElement} root @param {import("@/viewer/tools/marks.js").Marks} marks */
  constructor(root, marks) {
    this.marks = marks;
    this.list = element("ol", { class: "mark-list" });
    const close = element("button", { type: "button", class: "button button-quiet button-icon button-small", "aria-label": gettext("Close") }, icon("x"));
    close.addEventListener("click", () => this.toggle());
    this.panel = element("aside", { class: "mark-panel", "aria-label": gettext("List of marks"), "data-mark-panel": "" }, element("div", { class: "mark-panel-head" }, element("strong", {}, gettext("Marks")), close), this.list);
    this.panel.hidden = true;
    root.append(this.panel);
  }

  toggle() {
    this.isOpen = !this.isOpen;
    this.panel.hidden = !this.isOpen;
    this.#shown = "";
    this.marks.draw();
  }

  show() {
    if (!this.isOpen) return;
    const { store, chosen, viewer } = this.marks;
    const known = [...store.marks.values()].filter((mark) => viewer.images.some((image) => image.pk === mark.image && image.shown));
    const now = JSON.stringify([known, chosen?.uid, viewer.images.length]);
    if (now === this.#shown) return;
    this.#shown = now;
    const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.goTo : undefined;
    const empty = element("li", { class: "mark-empty" }, store.may ? gettext("Nothing is marked yet. Choose a tool under Measure.") : gettext("Nothing is marked yet."));
    this.list.replaceChildren(...(known.length ? known.map((mark) => this.#row(mark)) : [empty]));
    if (held) /** @type {HTMLElement | null} */ (this.list.querySelector(`[data-go-to="${held}"]`))?.focus();
  }

  /** @param {Mark} mark */
  #row(mark) {
    const kind = KINDS[mark.kind];
    const said = wordsOf(mark).join(" · ");
    const by = element("span", { class: `mark-by mark-${mark.side}` }, mark.author ? initials(mark.author) : gettext("You"));
    const words = element("span", { class: "mark-row-words" }, element("strong", {}, said || kind.name()), element("span", { class: "mark-row-where" }, [kind.name(), this.#where(mark), mark.waits ? gettext("being kept") : ""].filter(Boolean).join(" · ")));
    const go = element("button", { type: "button", class: "mark-row", "data-go-to": mark.uid, title: mark.author }, icon(kind.icon), words, by);
    if (mark.uid === this.marks.chosen?.uid) go.setAttribute("aria-current", "true");
    go.addEventListener("click", () => this.marks.goTo(mark));
    return element("li", {}, go);
  }

  /** @param {Mark} mark */
  #where({ image: pk, frame }) {
    const { stacks: all } = this.marks.viewer.shelf;
    const series = seriesWith(all, pk);
    if (!series) return "";
    const place = series.stack.length > 1 ? ` ${placeOf(series, pk, frame) + 1}/${series.stack.length}` : "";
    return `${series.title}${place}`;
  }
}
