// @ts-check
/** Keys on the viewport: which act each one is. */

/** @typedef {{scroll(steps: number): void, ends(last: boolean): void, series(steps: number): void, zoomBy(factor: number): void, pan(dx: number, dy: number): void,
 *   fit(): void, natural(): void, reset(): void, tool(name: string): void, presetNumber(number: number): void, follow(): void}} KeyActs */

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
};

/** @param {HTMLElement} viewport @param {KeyActs} acts */
export function listenKeys(viewport, acts) {
  viewport.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && event.key.startsWith("Arrow")) {
      const step = 40;
      acts.pan(event.key === "ArrowLeft" ? step : event.key === "ArrowRight" ? -step : 0, event.key === "ArrowUp" ? step : event.key === "ArrowDown" ? -step : 0);
    } else if (/^[1-9]$/.test(event.key)) acts.presetNumber(Number(event.key) - 1);
    else if (PLAIN[event.key]) PLAIN[event.key](acts);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
