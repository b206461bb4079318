// @ts-check
/** Keys on the viewport: which act each one is. */

/** @typedef {{scroll(steps: number): void, ends(last: boolean): void, series(steps: number): void, zoomBy(factor: number): void, pan(dx: number, dy: number): void,
 *   fit(): void, natural(): void, reset(): void, tool(name: string): void, presetNumber(number: number): void, follow(): void,
 *   turn(quarters: number): void, mirror(): void, invert(): void, layouts(steps: number): void, lines(): void, link(): void, compare(): void, mpr(): void, panes(steps: number): void}} KeyActs */

/** @type {Record<string, (acts: KeyActs) => void>} */
const PLAIN = {
  ArrowDown: (acts) => acts.scroll(1),
  ArrowUp: (acts) => acts.scroll(-1),
  PageDown: (acts) => acts.scroll(10),
  PageUp: (acts) => acts.scroll(-10),
  Home: (acts) => acts.ends(false),
  End: (acts) => acts.ends(true),
  ArrowRight: (acts) => acts.series(1),
  ArrowLeft: (acts) => acts.series(-1),
  "+": (acts) => acts.zoomBy(1.25),
  "=": (acts) => acts.zoomBy(1.25),
  "-": (acts) => acts.zoomBy(0.8),
  f: (acts) => acts.fit(),
  o: (acts) => acts.natural(),
  r: (acts) => acts.reset(),
  w: (acts) => acts.tool("window"),
  z: (acts) => acts.tool("zoom"),
  m: (acts) => acts.tool("pan"),
  l: (acts) => acts.follow(),
  g: (acts) => acts.turn(1),
  h: (acts) => acts.mirror(),
  i: (acts) => acts.invert(),
  v: (acts) => acts.layouts(1),
  V: (acts) => acts.layouts(-1),
  q: (acts) => acts.compare(),
  M: (acts) => acts.mpr(),
  s: (acts) => acts.lines(),
  y: (acts) => acts.link(),
  ".": (acts) => acts.panes(1),
  ",": (acts) => acts.panes(-1),
};

/** For the sheet of keys. */
export function keyRows() {
  return [
    ["↑ ↓", gettext("The image before, the next")],
    ["PgUp PgDn", gettext("Ten images back, on")],
    ["Home End", gettext("First image, last image")],
    ["← →", gettext("Series before, next series")],
    ["Space", gettext("Play, stop")],
    ["+ −", gettext("Larger, smaller")],
    ["Shift+↑↓←→", gettext("Move the image")],
    ["F O R", gettext("Fit, 1:1, reset")],
    ["W M Z", gettext("Drag to window, move, zoom")],
    ["1 … 9", gettext("Window presets")],
    ["G Shift+G", gettext("Turn right, turn left")],
    ["H I", gettext("Mirror, invert")],
    ["V Shift+V", gettext("Next layout, the one before")],
    ["Tab , .", gettext("Another pane")],
    ["S Y", gettext("Reference lines, scroll together")],
    ["Q", gettext("Compare with an earlier image")],
    ["Shift+M", gettext("Three planes (MPR), and back")],
    ["L", gettext("Follow, look freely")],
    ["K", gettext("Into the opinion")],
  ];
}

/** @param {HTMLElement} viewport @param {KeyActs} acts */
export function listenKeys(viewport, acts) {
  viewport.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && event.key.startsWith("Arrow")) {
      const step = 40;
      acts.pan(event.key === "ArrowLeft" ? step : event.key === "ArrowRight" ? -step : 0, event.key === "ArrowUp" ? step : event.key === "ArrowDown" ? -step : 0);
    } else if (/^[1-9]$/.test(event.key)) acts.presetNumber(Number(event.key) - 1);
    else if (event.shiftKey && event.key === "G") acts.turn(-1);
    else if (PLAIN[event.key]) PLAIN[event.key](acts);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
