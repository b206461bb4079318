// @ts-check
/** Mouse, touch, wheel and keys on one plane. Knows no image. */

/**
 * @typedef {{tool: string, cross(index: number, x: number, y: number): void, scroll(index: number, steps: number): void, pan(index: number, dx: number, dy: number): void,
 *   zoom(index: number, factor: number): void, drag(dx: number, dy: number): void, preset(number: number): void, reset(): void, take(tool: string): void, leave(): void}} Acts
 */

const TOOLS = { c: "cross", w: "window", m: "pan", z: "zoom" };
const NOTCH = 60; // of a wheel, for one step

/** @param {HTMLElement} box @param {number} index @param {Acts} acts */
export function listenPlane(box, index, acts) {
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  let wheel = 0;
  const at = (/** @type {MouseEvent} */ event) => {
    const { left, top } = box.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  box.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    box.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    box.focus({ preventScroll: true });
    if (toolOf(event.buttons, acts.tool) === "cross" && fingers.size === 1) acts.cross(index, at(event).x, at(event).y);
  });
  box.addEventListener("pointermove", (event) => {
    event.stopPropagation();
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, now);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    if (other) {
      acts.pan(index, dx / 2, dy / 2);
      acts.zoom(index, distance(now, other) / Math.max(distance(before, other), 1));
      return;
    }
    const tool = toolOf(event.buttons, acts.tool);
    if (tool === "cross") acts.cross(index, now.x, now.y);
    else if (tool === "window") acts.drag(dx, -dy);
    else if (tool === "pan") acts.pan(index, dx, dy);
    else acts.zoom(index, Math.exp(-dy / 150));
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) box.addEventListener(name, (event) => fingers.delete(event.pointerId));
  box.addEventListener("contextmenu", (event) => event.preventDefault());
  box.addEventListener("wheel", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (event.ctrlKey) return acts.zoom(index, Math.exp(-event.deltaY / 300));
    wheel += event.deltaMode ? event.deltaY * NOTCH : event.deltaY;
    const steps = Math.trunc(wheel / NOTCH);
    wheel -= steps * NOTCH;
    if (steps) acts.scroll(index, steps);
  }, { passive: false });
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab" || event.key === "?") return;
    event.stopPropagation();
    if (press(event, index, acts)) event.preventDefault();
  });
}

/** @param {KeyboardEvent} event @param {number} index @param {Acts} acts @returns {boolean} whether it was for the plane */
function press({ key, shiftKey }, index, acts) {
  const step = shiftKey ? 40 : 10;
  /** @type {Record<string, () => void>} */
  const known = {
    ArrowDown: () => (shiftKey ? acts.pan(index, 0, -step) : acts.scroll(index, 1)),
    ArrowUp: () => (shiftKey ? acts.pan(index, 0, step) : acts.scroll(index, -1)),
    ArrowLeft: () => acts.pan(index, step, 0),
    ArrowRight: () => acts.pan(index, -step, 0),
    PageDown: () => acts.scroll(index, 10),
    PageUp: () => acts.scroll(index, -10),
    "+": () => acts.zoom(index, 1.25),
    "=": () => acts.zoom(index, 1.25),
    "-": () => acts.zoom(index, 0.8),
    r: () => acts.reset(),
    M: () => acts.leave(),
    Escape: () => acts.leave(),
  };
  const tool = TOOLS[/** @type {"c"} */ (key)];
  if (tool) acts.take(tool);
  else if (/^[1-9]$/.test(key)) acts.preset(Number(key) - 1);
  else if (known[key]) known[key]();
  else return false;
  return true;
}

/** The right button zooms, the middle one moves. @param {number} buttons @param {string} tool */
function toolOf(buttons, tool) {
  return buttons & 2 ? "zoom" : buttons & 4 ? "pan" : tool;
}

/** @param {{x: number, y: number}} one @param {{x: number, y: number}} other */
function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
