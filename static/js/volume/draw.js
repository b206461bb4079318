// @ts-check
/** Cuts a volume in three planes with Cornerstone3D: told what to show, it shows that, and never acts on its own. */
import { cache, Enums, init, RenderingEngine, volumeLoader } from "@vendor/cornerstone.js";
import { focusOf, PLANES, scaleOf } from "@/volume/state.js";

/** @typedef {import("@/volume/geometry.js").Geometry} Geometry */

const AWAY = 2000; // mm from the plane to the camera: outside of every body
let made = 0;

export class Cuts {
  /** @param {HTMLDivElement[]} places one a plane @param {Geometry} geometry @param {import("@/volume/load.js").Values} values */
  constructor(places, geometry, values) {
    init(/** @type {any} */ ({ rendering: { renderingEngineMode: "tiled" } })); // one context: the volume is on the graphics card once
    this.geometry = geometry;
    this.places = places;
    this.name = `mpr-${++made}`;
    this.volume = volumeLoader.createLocalVolume(this.name, {
      metadata: /** @type {any} */ ({ FrameOfReferenceUID: this.name, Modality: "OT", ImageOrientationPatient: geometry.direction.slice(0, 6), PixelSpacing: [geometry.spacing[1], geometry.spacing[0]], Columns: geometry.size[0], Rows: geometry.size[1], voiLut: [], BitsAllocated: 16, BitsStored: 16, HighBit: 15, PixelRepresentation: 1, SamplesPerPixel: 1, PhotometricInterpretation: "MONOCHROME2" }),
      dimensions: /** @type {any} */ (geometry.size),
      spacing: /** @type {any} */ (geometry.spacing),
      origin: /** @type {any} */ (geometry.origin),
      direction: /** @type {any} */ (geometry.direction),
      scalarData: values,
    });
    this.waiting = new Set();
    this.drawn = () => {}; // all planes are on the screen as they were asked for
    this.heard = (/** @type {Event} */ event) => {
      if (this.waiting.delete(event.currentTarget) && !this.waiting.size) this.drawn();
    };
    for (const place of places) place.addEventListener(Enums.Events.IMAGE_RENDERED, this.heard);
    this.engine = new RenderingEngine(this.name);
    this.engine.setViewports(places.map((element, index) => ({ viewportId: `${this.name}-${index}`, type: Enums.ViewportType.ORTHOGRAPHIC, element, defaultOptions: { background: /** @type {any} */ ([0, 0, 0]) } })));
  }

  /** @returns {any[]} */
  get #views() {
    return this.places.map((_, index) => this.engine.getViewport(`${this.name}-${index}`));
  }

  async begin() {
    for (const view of this.#views) await view.setVolumes([{ volumeId: this.name }], true);
    this.volume.modified(); // every slice goes to the graphics card with the first picture
  }

  /** @param {import("@/volume/state.js").Mpr} mpr @param {{center: number, width: number}} window @param {boolean} inverted */
  show(mpr, { center, width }, inverted) {
    for (const place of this.places) this.waiting.add(place);
    const half = Math.max(width - 1, 1) / 2; // PS3.3 C.11.2.1.2.1
    this.#views.forEach((view, index) => {
      const { right, down } = PLANES[index];
      const [a, b, c] = right;
      const [d, e, f] = down;
      const away = [b * f - c * e, c * d - a * f, a * e - b * d].map((value) => -value);
      const focalPoint = focusOf(mpr, index);
      const room = this.room(index);
      view.setBlendMode(mpr.slab ? Enums.BlendModes.MAXIMUM_INTENSITY_BLEND : Enums.BlendModes.COMPOSITE);
      view.setSlabThickness(mpr.slab ? mpr.slab / 2 : 0); // to either side
      view.setProperties({ voiRange: { lower: center - 0.5 - half, upper: center - 0.5 + half }, invert: inverted });
      view.setCamera({ focalPoint, position: focalPoint.map((value, axis) => value + away[axis] * AWAY), viewPlaneNormal: away, viewUp: down.map((value) => -value || 0), parallelProjection: true, parallelScale: room.height / scaleOf(mpr.looks[index], room) / 2 });
      view.render();
    });
  }

  /** @param {number} index */
  room(index) {
    return { width: this.places[index].clientWidth, height: this.places[index].clientHeight };
  }

  resize() {
    this.engine.resize(true, false);
  }

  /** What is drawn: the middle of each plane in mm, as its camera says. */
  get centres() {
    return this.#views.map((view) => [...view.getCamera().focalPoint]);
  }

  destroy() {
    for (const place of this.places) place.removeEventListener(Enums.Events.IMAGE_RENDERED, this.heard);
    this.engine.destroy();
    cache.purgeCache();
  }
}
