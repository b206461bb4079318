// @ts-check
/** Mouse, touch and wheel on a pane, as acts in the pane's pixels. Knows no image. */

/**
 * @typedef {{scroll(steps: number): void, zoom(factor: number, x: number, y: number): void, pan(dx: number, dy: number): void,
 *   window(dx: number, dy: number): void, fit(): void}} Acts of the active pane
 * @typedef {{inHand: string, wheelZooms: boolean, take(): void, focus(): void, hover(x: number, y: number, inside: boolean): void,
 *   surface: {press(x: number, y: number, by: string): boolean, slide(x: number, y: number): void, lift(x: number, y: number): void},
 *   viewer: {marks: {drop(): unknown}}}} Hand the pane, and the tool in it
 */

const PLAIN = new Set(["window", "pan", "zoom"]);

/** @param {HTMLElement} box @param {Acts} acts @param {Hand} hand @returns {() => void} ends it */
export function listen(box, acts, hand) {
  const end = new AbortController();
  const { signal } = end;
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  let wheel = 0;
  let drawing = 0; // the pointer that draws or moves a mark

  /** The next finger makes it a pinch: what was begun is given up. @param {PointerEvent} event */
  const draws = (event) => {
    if (fingers.size > 1) {
      if (drawing) hand.viewer.marks.drop();
      return 0;
    }
    const { x, y } = at(event);
    return event.button === 0 && hand.surface.press(x, y, event.pointerType) ? event.pointerId : 0;
  };

  /** @param {PointerEvent | WheelEvent | MouseEvent} event */
  const at = (event) => {
    const { left, top } = box.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };

  box.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Element && event.target.closest("button, a, input, select")) return;
    box.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    hand.take();
    hand.focus();
    drawing = draws(event);
  }, { signal });

  box.addEventListener("pointermove", (event) => {
    const now = at(event);
    const before = fingers.get(event.pointerId);
    if (!before || event.pointerType === "mouse") hand.hover(now.x, now.y, true);
    if (!before) return;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, now);
    if (drawing === event.pointerId) hand.surface.slide(now.x, now.y);
    else if (other) pinch(acts, before, now, other);
    else drag(acts, toolOf(event.buttons, hand.inHand), now.x - before.x, now.y - before.y, now);
  }, { signal });

  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    box.addEventListener(name, (event) => {
      fingers.delete(event.pointerId);
      if (drawing !== event.pointerId) return;
      drawing = 0;
      const { x, y } = at(event);
      if (name === "pointerup") hand.surface.lift(x, y);
      else hand.viewer.marks.drop();
    }, { signal });
  }
  box.addEventListener("pointerleave", (event) => {
    const { x, y } = at(event);
    hand.hover(x, y, false);
  }, { signal });
  box.addEventListener("dblclick", () => PLAIN.has(hand.inHand) && acts.fit(), { signal });
  box.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });

  box.addEventListener("wheel", (event) => {
    event.preventDefault();
    hand.take();
    const lines = event.deltaMode === 0 ? event.deltaY / 100 : event.deltaY / 3;
    const { x, y } = at(event);
    if (event.ctrlKey || event.metaKey || hand.wheelZooms) return acts.zoom(Math.exp(-lines * 0.25), x, y);
    wheel += lines;
    const steps = Math.trunc(wheel * 1.001);
    if (steps) {
      wheel -= steps;
      acts.scroll(steps);
    }
  }, { passive: false, signal });

  return () => end.abort();
}

/** The middle button always moves, the right one always zooms. @param {number} buttons @param {string} tool */
function toolOf(buttons, tool) {
  return buttons & 4 ? "pan" : buttons & 2 ? "zoom" : tool;
}

/** @param {Acts} acts @param {string} tool @param {number} dx @param {number} dy @param {{x: number, y: number}} now */
function drag(acts, tool, dx, dy, now) {
  if (tool === "pan") acts.pan(dx, dy);
  else if (tool === "zoom") acts.zoom(Math.exp(-dy * 0.01), now.x, now.y);
  else acts.window(dx, dy);
}

/** @param {Acts} acts @param {{x: number, y: number}} before @param {{x: number, y: number}} now @param {{x: number, y: number}} other */
function pinch(acts, before, now, other) {
  const was = Math.hypot(before.x - other.x, before.y - other.y);
  const is = Math.hypot(now.x - other.x, now.y - other.y);
  if (was > 10 && is > 10) acts.zoom(is / was, (now.x + other.x) / 2, (now.y + other.y) / 2);
  acts.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
}
