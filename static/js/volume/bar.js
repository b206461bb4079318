// @ts-check
/** Tools above the three planes. Says what was pressed; decides nothing. */
import { element, icon } from "@/base/dom.js";
import { SLABS } from "@/volume/state.js";

export class Bar {
  /** @param {import("@/volume/mode.js").Mode} mode */
  constructor(mode) {
    this.mode = mode;
    this.tools = {
      cross: button("crosshair", gettext("Crosshair"), () => mode.acts.take("cross")),
      window: button("contrast", gettext("Window"), () => mode.acts.take("window")),
      pan: button("move", gettext("Move"), () => mode.acts.take("pan")),
      zoom: button("zoom-in", gettext("Zoom"), () => mode.acts.take("zoom")),
    };
    this.presets = choice(gettext("Window preset"), () => mode.acts.preset(Number(this.presets.value)));
    this.slabs = choice(gettext("Thickness of the layer"), () => mode.acts.slab(Number(this.slabs.value)));
    this.slabs.append(...SLABS.map((slab) => element("option", { value: String(slab) }, slab ? `MIP ${slab} mm` : gettext("Thin plane"))));
    const back = button("arrow-left", gettext("Back to the images"), () => mode.acts.leave());
    back.dataset.mprClose = "";
    this.follow = mode.viewer.toolbar.follow;
    this.before = this.follow.nextSibling;
    this.bar = element("div", { class: "viewer-tools mpr-tools", role: "toolbar", "aria-label": gettext("Tools of the three planes") });
    this.bar.append(back, element("hr"), this.follow, ...Object.values(this.tools), this.presets, this.slabs, button("rotate-ccw", gettext("Reset"), () => mode.acts.reset()));
  }

  /** @param {{center: number, width: number}} window @param {import("@/viewer/view.js").Img} image @param {import("@/volume/state.js").Mpr} mpr */
  show(window, image, mpr) {
    for (const [name, tool] of Object.entries(this.tools)) tool.setAttribute("aria-pressed", String(name === this.mode.acts.tool));
    const words = image.presets.map((preset) => `${preset.label} ${Math.round(preset.width)} / ${Math.round(preset.center)}`);
    if (this.presets.dataset.words !== words.join()) {
      this.presets.dataset.words = words.join();
      this.presets.replaceChildren(...words.map((text, index) => element("option", { value: String(index) }, text)), element("option", { value: "" }, gettext("By hand")));
    }
    const known = image.presets.findIndex(({ center, width }) => center === window.center && width === window.width);
    this.presets.value = known < 0 ? "" : String(known);
    this.slabs.value = String(mpr.slab);
  }

  end() {
    this.before?.before(this.follow);
    this.bar.remove();
  }
}

/** @param {string} name @param {string} label @param {() => void} act */
function button(name, label, act) {
  const made = element("button", { type: "button", class: "tool" }, icon(name), label);
  made.addEventListener("click", act);
  return made;
}

/** @param {string} label @param {() => void} act */
function choice(label, act) {
  const made = /** @type {HTMLSelectElement} */ (element("select", { class: "select", "aria-label": label }));
  made.addEventListener("change", act);
  return made;
}
