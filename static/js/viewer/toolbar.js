// @ts-check
/** Tools above the image and the rail of series beside it. Says what was pressed; decides nothing. */
import { element, icon } from "@/base/dom.js";

/** @typedef {import("@/viewer/view.js").Img} Img */
/** @typedef {import("@/viewer/view.js").View} View */
/** @typedef {import("@/viewer/series.js").Series} Series */
/** @typedef {{tool(name: string): void, preset(key: string): void, series(steps: number): void, zoomBy(factor: number): void, fit(): void, natural(): void,
 *   turn(quarters: number): void, mirror(): void, invert(): void, reset(): void, follow(): void, open(image: number): void}} ToolActs */

/** What a thumbnail carries while it is dragged: the image's number. */
export const DRAGGED = "application/x-image";

export class Toolbar {
  /** @param {HTMLElement} viewer @param {ToolActs} acts @param {{send?: unknown, close?: () => void}} options */
  constructor(viewer, acts, options) {
    this.acts = acts;
    const tools = { window: button("contrast", gettext("Window"), () => acts.tool("window")), pan: button("move", gettext("Move"), () => acts.tool("pan")), zoom: button("zoom-in", gettext("Zoom"), () => acts.tool("zoom")) };
    this.tools = tools;
    this.presets = /** @type {HTMLSelectElement} */ (element("select", { class: "select", "aria-label": gettext("Window preset") }));
    this.presets.addEventListener("change", () => acts.preset(this.presets.value));
    this.mirror = button("flip-horizontal-2", gettext("Mirror"), () => acts.mirror());
    this.invert = button("blend", gettext("Invert"), () => acts.invert());
    this.keys = button("keyboard", gettext("Keys"), () => {});
    this.keys.dataset.shortcuts = "";
    this.follow = button("users", gettext("Follow"), () => acts.follow());
    this.follow.hidden = !options.send;
    this.panes = element("div", { class: "tool-group" }); // what is shown beside each other
    this.bar = element("div", { class: "viewer-tools", role: "toolbar", "aria-label": gettext("Image tools") });
    this.bar.append(
      this.follow, ...Object.values(tools), this.presets, element("hr"), this.panes, element("hr"),
      button("zoom-out", gettext("Smaller"), () => acts.zoomBy(0.8)), button("plus", gettext("Larger"), () => acts.zoomBy(1.25)),
      button("maximize", gettext("Fit"), () => acts.fit()), button("scan", "1:1", () => acts.natural()),
      element("hr"), button("rotate-cw-square", gettext("Turn"), () => acts.turn(1)), this.mirror, this.invert, button("rotate-ccw", gettext("Reset"), () => acts.reset()),
      element("hr"), button("chevron-left", gettext("Previous"), () => acts.series(-1)), button("chevron-right", gettext("Next"), () => acts.series(1)), this.keys,
    );
    if (options.close) {
      const close = button("x", gettext("Close image"), options.close);
      close.classList.add("tool-close");
      this.bar.append(close);
    }
    this.rail = element("ul", { class: "rail", "aria-label": gettext("Series and photos") });
    viewer.append(this.bar, this.rail);
  }

  /** @param {string} name @param {boolean} following @param {Img | undefined} image @param {View | null} view */
  show(name, following, image, view) {
    for (const [key, tool] of Object.entries(this.tools)) tool.setAttribute("aria-pressed", String(key === name));
    /** @type {HTMLButtonElement} */ (this.tools.window).disabled = !image?.presets.length;
    this.follow.setAttribute("aria-pressed", String(following));
    this.mirror.setAttribute("aria-pressed", String(view?.flip ?? false));
    this.invert.setAttribute("aria-pressed", String(view?.invert ?? false));
    this.presets.hidden = !image?.presets.length;
    if (image && view) this.#showPresets(image, view);
  }

  /** @param {Img} image @param {View} view */
  #showPresets(image, view) {
    const keys = image.presets.map((preset) => preset.key).join();
    if (this.presets.dataset.keys !== `${image.pk}:${keys}`) {
      this.presets.dataset.keys = `${image.pk}:${keys}`;
      const own = element("option", { value: "" }, gettext("By hand"));
      this.presets.replaceChildren(...image.presets.map((preset) => element("option", { value: preset.key }, `${preset.label} ${Math.round(preset.width)} / ${Math.round(preset.center)}`)), own);
    }
    this.presets.value = view.preset;
  }

  /** @param {Series[]} all @param {Img[]} others not to be shown @param {number} current pk */
  showRail(all, others, current) {
    const items = all.map((series) => railItem(series.images[Math.floor(series.images.length / 2)], series.images[0].pk, series.stack.length > 1 ? `${series.title} (${series.stack.length})` : series.title, series.images.some((each) => each.pk === current), this.acts));
    const waiting = others.map((image) => element("li", {}, element("span", { class: "thumb", title: image.reason || image.name }, element("span", { class: "thumb-picture" }, icon(image.state === "refused" ? "file-x" : "hourglass", "icon-large")), element("span", { class: "thumb-text" }, image.name))));
    this.rail.replaceChildren(...items, ...waiting);
  }

  /** @param {number} current @param {Series[]} all */
  mark(current, all) {
    all.forEach((series, index) => {
      const link = this.rail.children[index]?.firstElementChild;
      if (series.images.some((each) => each.pk === current)) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    });
  }
}

/** @param {Img} cover @param {number} first @param {string} title @param {boolean} isCurrent @param {ToolActs} acts */
function railItem(cover, first, title, isCurrent, acts) {
  const picture = cover.thumbnailUrl
    ? element("img", { class: "thumb-picture", src: cover.thumbnailUrl, alt: "", loading: "lazy" })
    : element("span", { class: "thumb-picture thumb-words" }, icon("file-text", "icon-large"));
  const link = element("button", { type: "button", class: "thumb", title, draggable: "true", "data-open": String(first) }, picture, element("span", { class: "thumb-text" }, title));
  if (isCurrent) link.setAttribute("aria-current", "true");
  link.addEventListener("click", () => acts.open(first));
  link.addEventListener("dragstart", (event) => event.dataTransfer?.setData(DRAGGED, String(first)));
  return element("li", {}, link);
}

/** @param {string} name @param {string} label @param {() => void} act */
function button(name, label, act) {
  const made = element("button", { type: "button", class: "tool" }, icon(name), label);
  made.addEventListener("click", act);
  return made;
}
