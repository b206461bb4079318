// @ts-check
/** The calendar: arrow keys go from shift to shift, Space picks one up; a mouse drags it. The server keeps what is dropped. */
import { csrf } from "@/base/dom.js";
import { addKeys } from "@/base/shortcuts.js";
import { toast } from "@/base/toasts.js";
import { beside, cellOf, next } from "@/roster/grid.js";

const STEPS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });
const said = document.querySelector("[data-roster-said]");
/** @type {{ shift: HTMLElement, target: HTMLElement } | null} what is being carried, and above which cell */
let held = null;
let busy = false;

const calendar = () => /** @type {HTMLElement} */ (document.querySelector("[data-calendar]"));
/** @param {string} words */
const say = (words) => said && (said.textContent = words);

/** @param {HTMLElement} shift */
function pick(shift) {
  const cell = cellOf(shift);
  if (!cell) return;
  held = { shift, target: cell };
  shift.classList.add("shift-held");
  cell.classList.add("cell-target");
  say(gettext("Picked up. Arrow keys carry it, Space puts it down, Escape puts it back."));
}

/** @param {HTMLElement | null} cell */
function over(cell) {
  if (!held || !cell) return;
  held.target.classList.remove("cell-target");
  held.target = cell;
  cell.classList.add("cell-target");
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  say(cell.dataset.words ?? "");
}

function letGo() {
  held?.shift.classList.remove("shift-held");
  held?.target.classList.remove("cell-target");
  held = null;
}

async function drop() {
  if (!held || busy) return;
  const { shift, target } = held;
  letGo();
  if (target === cellOf(shift)) return say(gettext("Put back."));
  busy = true;
  const sent = new URLSearchParams({ entry: shift.dataset.entry ?? "", known: shift.dataset.known ?? "0", role: target.dataset.role ?? "", on: target.dataset.on ?? "" });
  try {
    const answer = await fetch(calendar().dataset.move ?? "", { method: "POST", body: sent, headers: { "X-CSRFToken": csrf(), Accept: "application/json" } });
    if (answer.ok) {
      await draw(shift.dataset.entry ?? "");
      toast(gettext("Moved in the plan. Publish it when the roster is complete."), { tone: "ok" });
      say(interpolate(gettext("Moved to %(where)s."), { where: target.dataset.words ?? "" }, true));
    } else {
      const { message } = await answer.json().catch(() => ({ message: "" }));
      toast(message || gettext("This did not work. Reload the page and try again."), { tone: "danger" });
      await draw(shift.dataset.entry ?? "");
    }
  } catch {
    toast(gettext("No connection. Nothing was moved."), { tone: "danger" });
  } finally {
    busy = false;
  }
}

/** The calendar as it is now, the focus where the shift went. @param {string} entry */
async function draw(entry) {
  await htmx.ajax("GET", location.href, { target: "#calendar", swap: "outerHTML" });
  const shift = document.querySelector(`[data-entry="${CSS.escape(entry)}"]`);
  if (shift instanceof HTMLElement) shift.focus();
}

document.addEventListener("keydown", (event) => {
  const shift = event.target instanceof Element ? event.target.closest("a[data-entry]") : null;
  if (!(shift instanceof HTMLElement) || event.ctrlKey || event.altKey || event.metaKey) return;
  const step = STEPS[event.key];
  if (step && held) over(beside(held.target, ...step));
  else if (step) next(shift, ...step)?.focus();
  else if (event.key === " " && held) drop();
  else if (event.key === " ") pick(shift);
  else if (event.key === "Enter" && held) drop();
  else if (event.key === "Escape" && held) {
    letGo();
    say(gettext("Put back."));
  } else return;
  event.preventDefault();
});

document.addEventListener("focusout", (event) => held && event.target === held.shift && !busy && letGo());
document.addEventListener("dragstart", (event) => {
  const shift = event.target instanceof Element ? event.target.closest("a[data-entry]") : null;
  if (!(shift instanceof HTMLElement)) return;
  event.dataTransfer?.setData("text/plain", shift.dataset.entry ?? "");
  pick(shift);
});
document.addEventListener("dragover", (event) => {
  const cell = held && event.target instanceof Element ? event.target.closest("[data-cell]") : null;
  if (!(cell instanceof HTMLElement)) return;
  event.preventDefault();
  if (cell !== held?.target) over(cell);
});
document.addEventListener("drop", (event) => {
  if (!held) return;
  event.preventDefault();
  drop();
});
document.addEventListener("dragend", letGo);
document.addEventListener("change", (event) => {
  if (event.target instanceof HTMLSelectElement && event.target.matches("[data-roster-of]")) event.target.form?.requestSubmit();
});
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-print]")) window.print();
});
document.documentElement.classList.add("roster-alive"); // the list of departments goes there by itself
addKeys(() => ({
  title: gettext("Roster"),
  rows: [
    ["← → ↑ ↓", gettext("From shift to shift")],
    ["Space", gettext("Pick up, put down")],
    ["Enter", gettext("Open the shift")],
  ],
}));
