// @ts-check
/** Three planes of a volume over the whole viewport: loading, words, and what is pressed. Shows a view; each act makes a new one. */
import { element, icon } from "@/base/dom.js";
import { Overlay } from "@/viewer/overlay.js";
import { windowOf } from "@/viewer/view.js";
import { Acts } from "@/volume/acts.js";
import { Bar } from "@/volume/bar.js";
import { Cuts } from "@/volume/draw.js";
import { voxelOf } from "@/volume/geometry.js";
import { listenPlane } from "@/volume/gestures.js";
import { loadVolume, roomHere, weightOf } from "@/volume/load.js";
import { PLANES } from "@/volume/state.js";
import { nameOf, say } from "@/volume/words.js";

export class Mode {
  /** @type {Cuts | null} */ cuts = null;
  /** @type {import("@/volume/load.js").Values | null} */ values = null;

  /** @param {import("@/viewer/viewer.js").Viewer} viewer @param {import("@/volume/geometry.js").Geometry} geometry @param {() => void} leave */
  constructor(viewer, geometry, leave) {
    this.viewer = viewer;
    this.geometry = geometry;
    this.leave = leave;
    this.acts = new Acts(this);
    this.stop = new AbortController();
    this.box = element("div", { class: "mpr", "data-mpr": "loading" });
    this.planes = PLANES.map((plane, index) => this.#plane(plane, index));
    this.state = element("div", { class: "viewport-state mpr-state", role: "status" });
    this.box.append(...this.planes.map(({ box }) => box), this.state);
    this.bar = new Bar(this);
    viewer.root.classList.add("viewer-in-mpr");
    viewer.toolbar.bar.after(this.bar.bar);
    viewer.viewport.append(this.box);
    this.resized = new ResizeObserver(() => {
      this.cuts?.resize();
      this.show();
    });
    this.resized.observe(this.box);
    this.begin();
  }

  /** @param {import("@/volume/state.js").Plane} plane @param {number} index */
  #plane(plane, index) {
    const box = element("div", { class: `mpr-plane mpr-${plane.name}`, tabindex: "0", role: "group", "aria-label": nameOf(plane), "data-plane": plane.name });
    const place = /** @type {HTMLDivElement} */ (element("div", { class: "mpr-place" }));
    const across = element("div", { class: "mpr-line mpr-across" });
    const down = element("div", { class: "mpr-line mpr-down" });
    box.append(place, across, down);
    const overlay = new Overlay(box);
    listenPlane(box, index, this.acts);
    return { box, place, across, down, overlay };
  }

  async begin() {
    const { geometry, stop } = this;
    if (weightOf(geometry) > roomHere()) return this.blank(gettext("This series is too large for this device. The usual view shows every image of it."));
    const [count] = geometry.size.slice(2);
    const said = element("span");
    const bar = /** @type {HTMLProgressElement} */ (element("progress", { max: String(count), value: "0", "aria-label": gettext("Loading") }));
    const cancel = element("button", { type: "button", class: "button button-small" }, gettext("Cancel"));
    cancel.addEventListener("click", () => this.leave());
    this.state.replaceChildren(bar, said, cancel);
    const tell = (/** @type {number} */ done) => {
      bar.value = done;
      said.textContent = interpolate(gettext("Image %(place)s / %(count)s"), { place: done, count }, true);
    };
    try {
      tell(0);
      this.values = await loadVolume(geometry, stop.signal, tell);
      if (stop.signal.aborted) return;
      this.cuts = new Cuts(this.planes.map(({ place }) => place), geometry, this.values);
      await this.cuts.begin();
      if (stop.signal.aborted) return;
      this.state.hidden = true;
      this.box.dataset.mpr = "shown";
      this.show();
      if (this.viewer.viewport.contains(document.activeElement) || document.activeElement === document.body) this.planes[0].box.focus();
    } catch (error) {
      if (!stop.signal.aborted) this.blank(error instanceof Error ? error.message : String(error));
      stop.abort();
    }
  }

  /** Nothing to see, and why. @param {string} reason */
  blank(reason) {
    this.cuts?.destroy();
    this.cuts = this.values = null;
    this.box.dataset.mpr = "blank";
    const back = element("button", { type: "button", class: "button button-small" }, gettext("Back to the images"));
    back.addEventListener("click", () => this.leave());
    this.state.hidden = false;
    this.state.replaceChildren(icon("image-off", "icon-large"), reason, back);
  }

  get mpr() {
    return this.viewer.view?.mpr ?? null;
  }

  /** @param {number} index */
  room(index) {
    const { place } = this.planes[index];
    return { width: place.clientWidth, height: place.clientHeight };
  }

  /** As the view says: the only way anything gets onto the screen. */
  show() {
    const { viewer, mpr, cuts } = this;
    const { view, image } = viewer;
    if (!view || !image || !mpr) return;
    const window = windowOf(view, image) ?? { center: 128, width: 256 };
    this.planes[0].overlay.whose(viewer.shelf.patientOf(image), image);
    this.bar.show(window, image, mpr);
    if (!cuts) return;
    this.box.dataset.drawn = "";
    cuts.drawn = () => {
      this.box.dataset.drawn = `${this.box.clientWidth}x${this.box.clientHeight}`;
    };
    cuts.show(mpr, window, view.invert !== this.geometry.inverted);
    this.planes.forEach((plane, index) => say(this, plane, index, mpr, window));
    this.box.dataset.at = mpr.at.join();
    this.box.dataset.window = `${window.center},${window.width}`;
    this.box.dataset.value = String(this.valueAt(mpr.at));
  }

  /** As the file says, of the nearest voxel; null outside. @param {number[]} point mm */
  valueAt(point) {
    const { size } = this.geometry;
    const voxel = voxelOf(this.geometry, point).map(Math.round);
    if (!this.values || voxel.some((value, axis) => value < 0 || value >= size[axis])) return null;
    return this.values[voxel[0] + size[0] * (voxel[1] + size[1] * voxel[2])];
  }

  destroy() {
    this.stop.abort();
    this.resized.disconnect();
    this.cuts?.destroy();
    this.cuts = this.values = null;
    this.bar.end();
    this.box.remove();
    this.viewer.root.classList.remove("viewer-in-mpr");
  }
}
