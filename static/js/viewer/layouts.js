// @ts-check
/** Choosing how many panes there are, going to the next, and dropping a thumbnail onto one. */
import { element, icon } from "@/base/dom.js";
import { mountMenu } from "@/viewer/menu.js";
import { LAYOUTS, countOf, shapeOn } from "@/viewer/shapes.js";
import { DRAGGED } from "@/viewer/toolbar.js";

const NAMES = {
  "1x1": () => gettext("One image"),
  "1x2": () => gettext("Two beside each other"),
  "2x1": () => gettext("Two above each other"),
  "2x2": () => gettext("Four"),
};

/** @param {import("@/viewer/viewer.js").Viewer} viewer @returns {{show(): void, end(): void}} */
export function mountLayouts(viewer) {
  const { acts, viewport } = viewer;
  const button = element("button", { type: "button", class: "tool", "data-layouts": "" }, icon("layout-grid"), gettext("Layout"));
  const place = element("span");
  const next = element("button", { type: "button", class: "tool", "data-next-pane": "" }, icon("square-stack"), place);
  next.addEventListener("click", () => acts.panes(1));
  const link = element("button", { type: "button", class: "tool", "data-link": "", title: gettext("All panes scroll together") }, icon("link"), gettext("Linked"));
  link.addEventListener("click", () => acts.link());
  const lines = element("button", { type: "button", class: "tool", "data-lines": "", title: gettext("Where the other panes cut this one") }, icon("scan-line"), gettext("Lines"));
  lines.addEventListener("click", () => acts.lines());
  viewer.toolbar.panes.prepend(button, next, link, lines);

  /** Those that this screen has room for. */
  const choices = () => {
    const size = { width: viewport.clientWidth, height: viewport.clientHeight };
    const fitting = Object.keys(LAYOUTS).filter((name) => {
      const { rows, columns } = shapeOn(name, size);
      return rows === LAYOUTS[name].rows && columns === LAYOUTS[name].columns;
    });
    const offered = new Set(["1x1", ...(fitting.length > 1 ? fitting : ["2x1"]), viewer.grid.layout]);
    return [...offered].map((name) => ({ name, label: words(name), isChosen: name === viewer.grid.layout, choose: () => acts.layout(name) }));
  };
  const menu = mountMenu(viewer.root, button, gettext("Layout"), choices);

  const over = (/** @type {DragEvent} */ event) => {
    const pane = paneOf(event);
    for (const each of viewer.grid.panes) each.box.classList.toggle("pane-drop", each === pane && event.type === "dragover");
    if (!pane || !event.dataTransfer?.types.includes(DRAGGED)) return;
    event.preventDefault();
    if (event.type !== "drop") return;
    pane.take();
    pane.focus();
    acts.open(Number(event.dataTransfer.getData(DRAGGED)));
  };
  /** @param {DragEvent} event */
  const paneOf = (event) => viewer.grid.panes.find(({ box }) => event.target instanceof Node && box.contains(event.target));
  for (const name of /** @type {const} */ (["dragover", "dragleave", "drop"])) viewport.addEventListener(name, over);

  const show = () => {
    const { grid } = viewer;
    const [at, count] = [grid.panes.indexOf(grid.pane) + 1, countOf(grid.layout)];
    button.setAttribute("aria-pressed", String(count > 1));
    next.hidden = !grid.isCramped;
    link.hidden = lines.hidden = count < 2;
    link.setAttribute("aria-pressed", String(grid.linked));
    lines.setAttribute("aria-pressed", String(grid.hasLines));
    place.textContent = interpolate(gettext("Pane %(at)s / %(count)s"), { at, count }, true);
  };
  return { show, end: () => menu.end() };
}

/** A small picture of the panes, and their name. @param {string} name */
function words(name) {
  const { rows, columns } = LAYOUTS[name];
  const picture = element("span", { class: `layout-picture layout-${rows}x${columns}`, "aria-hidden": "true" }, ...Array.from({ length: rows * columns }, () => element("i")));
  return element("span", { class: "tool-choice" }, picture, NAMES[/** @type {"1x1"} */ (name)]());
}
