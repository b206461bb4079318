// @ts-check
/** The panes: how many, how they stand on this screen, which one tools and keys are for. */
import { Linking } from "@/viewer/linking.js";
import { Pane } from "@/viewer/pane.js";
import { LAYOUTS, countOf, shapeOn } from "@/viewer/shapes.js";
import { first } from "@/viewer/view.js";

/** @typedef {import("@/viewer/sight.js").Sight} Sight */

export class Grid {
  layout = "1x1";
  linked = false; // they scroll together
  linking = new Linking();
  hasLines = true;
  /** @type {Pane[]} row by row */ panes = [];

  /** @param {import("@/viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.pane = new Pane(viewer); // the active one
    this.panes.push(this.pane);
    viewer.viewport.addEventListener("focusin", (event) => {
      const pane = this.panes.find((each) => each.box === event.target);
      if (pane) this.activate(pane);
    });
  }

  /** Whether panes wait behind the active one, for want of room. */
  isCramped = false;

  /** @returns {Sight | null} null when there is nothing to see */
  get sight() {
    const panes = this.panes.map((pane) => pane.view ?? pane.wanted);
    return panes.some(Boolean) ? { layout: this.layout, active: this.panes.indexOf(this.pane), linked: this.linked, panes } : null;
  }

  /** By hand: the active pane stays, new ones get the next series. @param {string} layout */
  choose(layout) {
    if (layout === this.layout || !LAYOUTS[layout]) return;
    const hasKeys = this.viewer.viewport.contains(document.activeElement);
    if (countOf(layout) === 1) this.linked = false;
    this.#build(layout);
    this.#fill();
    if (hasKeys) this.pane.focus();
    this.viewer.changed();
    this.viewer.together.moved();
  }

  /** The next layout. @param {number} steps */
  cycle(steps) {
    const all = Object.keys(LAYOUTS);
    this.choose(all[(all.indexOf(this.layout) + steps + all.length) % all.length]);
  }

  /** @param {string} layout */
  #build(layout) {
    const count = countOf(layout);
    this.layout = layout;
    if (this.panes.indexOf(this.pane) >= count) {
      const [moved] = this.panes.splice(this.panes.indexOf(this.pane), 1);
      this.panes.splice(count - 1, 0, moved);
    }
    for (const pane of this.panes.splice(count)) pane.destroy();
    while (this.panes.length < count) {
      const pane = new Pane(this.viewer);
      pane.empty();
      this.panes.push(pane);
    }
    for (const { box } of this.panes) this.viewer.viewport.append(box); // their order is the order of the Tab key
    this.arrange();
  }

  #fill() {
    const { series } = this.viewer;
    const shown = new Set(this.panes.map((pane) => pane.here.series));
    const rest = series.filter((each) => !shown.has(each));
    const at = rest.findIndex((each) => series.indexOf(each) > series.indexOf(/** @type {any} */ (this.pane.here.series)));
    const next = at < 0 ? rest : [...rest.slice(at), ...rest.slice(0, at)];
    for (const pane of this.panes.filter((each) => !each.view && !each.wanted)) {
      const image = next.shift()?.images[0];
      if (image) pane.look(this.viewer.remembered.get(image.pk) ?? first(image));
    }
  }

  /** Beside the active pane, at about the same place, scrolling with it. @param {import("@/viewer/series.js").Series} series @param {import("@/viewer/view.js").View} view */
  compare(series, view) {
    if (this.panes.length === 1) this.#build("1x2");
    const beside = this.panes[(this.panes.indexOf(this.pane) + 1) % this.panes.length];
    beside.look({ ...view, ...series.stack[this.linking.like(this.pane, series)] });
    this.link(true);
  }

  /** @param {boolean} linked */
  link(linked) {
    this.linked = linked && this.panes.length > 1;
    if (this.linked) this.linking.begin(this.panes);
    this.viewer.changed();
    this.viewer.together.moved();
  }

  /** In this person's own panes, whoever leads. */
  toggleLines() {
    this.hasLines = !this.hasLines;
    this.viewer.changed();
  }

  /** The active pane looks elsewhere, and those linked with it go along. @param {import("@/viewer/view.js").View} view @param {boolean} byHand @returns {boolean} */
  look(view, byHand) {
    const goesAlong = byHand && this.linked;
    if (goesAlong) this.linking.meet(this.pane, this.panes);
    const before = this.pane.here.series?.key;
    const found = this.pane.look(view);
    if (found && goesAlong && this.pane.here.series?.key === before) this.linking.follow(this.pane, this.panes);
    return found;
  }

  /** @param {Pane} pane @param {boolean} [byHand] */
  activate(pane, byHand = true) {
    if (pane === this.pane) return;
    this.viewer.marks.drop();
    this.pane = pane;
    this.arrange();
    this.viewer.changed();
    if (byHand) this.viewer.together.moved();
  }

  /** @param {number} steps */
  next(steps) {
    const { panes } = this;
    this.activate(panes[(panes.indexOf(this.pane) + steps + panes.length) % panes.length]);
    this.pane.focus();
  }

  /** Another person looks here. @param {Sight} sight @param {boolean} whole also their window, zoom and middle */
  adopt({ layout, active, linked, panes }, whole) {
    if (layout !== this.layout) this.#build(layout);
    this.linked = linked;
    this.panes.forEach((pane, index) => {
      const view = panes[index];
      const image = this.viewer.shelf.imageOf(view?.image ?? 0);
      const known = image && !whole && index === active && (this.viewer.remembered.get(image.pk) ?? first(image));
      pane.adopt(known && view ? { ...known, frame: view.frame } : view);
    });
    if (this.pane !== this.panes[active]) {
      this.viewer.marks.drop();
      this.pane = this.panes[active];
    }
    this.arrange();
  }

  /** Rows and columns for the room there is. */
  arrange() {
    const { viewport } = this.viewer;
    const { rows, columns } = shapeOn(this.layout, { width: viewport.clientWidth, height: viewport.clientHeight });
    const several = this.panes.length > 1;
    this.isCramped = several && rows * columns === 1;
    Object.assign(viewport.dataset, { layout: this.layout, shape: `${rows}x${columns}`, active: String(this.panes.indexOf(this.pane)) });
    viewport.tabIndex = several ? -1 : 0;
    this.panes.forEach((pane, index) => {
      const { box } = pane;
      box.hidden = this.isCramped && pane !== this.pane;
      box.dataset.pane = String(index);
      box.classList.toggle("pane-active", several && pane === this.pane);
      if (several) {
        box.tabIndex = 0;
        box.setAttribute("aria-label", interpolate(gettext("Pane %(number)s of %(count)s"), { number: index + 1, count: this.panes.length }, true));
      } else for (const name of ["tabindex", "aria-label"]) box.removeAttribute(name);
    });
  }

  draw() {
    for (const pane of this.panes) pane.draw();
    this.drawLines();
  }

  drawLines() {
    for (const pane of this.panes) pane.lines.draw(pane, this.hasLines ? this.panes.filter((other) => other !== pane) : [], this.pane);
  }

  destroy() {
    for (const pane of this.panes) pane.destroy();
  }
}
