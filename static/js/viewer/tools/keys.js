// @ts-check
/** Keys of marks: they come before the viewer's own while a mark is in hand. */
import { KINDS } from "@/viewer/tools/kinds.js";

/** @typedef {import("@/viewer/tools/marks.js").Marks} Marks */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {HTMLElement} viewport @param {Marks} marks */
export function listenMarkKeys(viewport, marks) {
  viewport.addEventListener("keydown", (event) => {
    const isHere = event.target === viewport || marks.viewer.grid.panes.some((pane) => pane.box === event.target);
    if (!isHere || event.altKey || !press(event, marks)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
}

/** @param {KeyboardEvent} event @param {Marks} marks @returns {boolean} whether it was for a mark */
function press(event, marks) {
  const { key } = event;
  const { store, editing } = marks;
  if (event.ctrlKey || event.metaKey) return key === "z" && done(() => editing.undo());
  if (key === "n") return done(() => next(marks));
  if (key === "j") return done(() => marks.panel.toggle());
  if (key === "Escape" && marks.drop()) return true;
  if (key === "Escape" && KINDS[marks.viewer.tool]) return done(() => marks.viewer.acts.tool("window"));
  if (!store.may) return false;
  const kind = Object.keys(KINDS).find((name) => KINDS[name].key === key && !event.shiftKey);
  if (kind) return done(() => marks.viewer.acts.tool(kind));
  if (key === "u") return done(() => editing.undo());
  const arrow = ARROWS[/** @type {keyof typeof ARROWS} */ (key)];
  const mark = marks.inHand;
  if (!mark?.mine) return key === "Enter" && Boolean(KINDS[marks.viewer.tool]) && done(() => editing.place(marks.viewer.tool, KINDS[marks.viewer.tool].points));
  if (arrow) return done(() => editing.nudge(arrow[0], arrow[1], event.shiftKey ? 10 : 1));
  if (key === "Delete" || key === "Backspace") return done(() => editing.remove());
  if (key === "Enter") return done(() => editing.write());
  if (key === "x") return done(() => editing.nextGrip());
  return false;
}

/** @param {() => unknown} act */
function done(act) {
  act();
  return true;
}

/** @param {Marks} marks the next mark of this frame */
function next(marks) {
  const { here, chosen } = marks;
  if (!here.length) return;
  marks.editing.settle();
  const place = here.findIndex((mark) => mark.uid === chosen?.uid);
  marks.chosen = { uid: here[(place + 1) % here.length].uid, grip: -1 };
  marks.draw();
}

/** For the sheet of keys. */
export function markKeyRows() {
  return [
    ...Object.values(KINDS).map(({ key, name }) => [key.toUpperCase(), name()]),
    ["Enter", gettext("Put it in the middle; with a mark in hand: write its words")],
    ["N", gettext("Take the next mark of this image in hand")],
    ["← ↑ ↓ →", gettext("Move it by a pixel, with Shift by ten")],
    ["X", gettext("Its next point, to move that alone")],
    ["Delete", gettext("Delete it")],
    ["U Ctrl+Z", gettext("Undo")],
    ["Esc", gettext("Let go")],
    ["J", gettext("List of marks")],
  ];
}
