// @ts-check
/** Draws marks over the image: lines, arrow heads, grips and words, in pixels of the screen. */
import { apart, from, linesOf, middle } from "@/viewer/tools/geometry.js";
import { initials, wordsOf } from "@/viewer/tools/kinds.js";
import { Room } from "@/viewer/tools/room.js";

/** @typedef {import("@/viewer/tools/kinds.js").Mark} Mark */

const SPACE = "http://www.w3.org/2000/svg";
const LINE = 16;
const ASCENT = 13;
const CHARACTER = 8; // about, for finding room

export class Layer {
  /** @param {HTMLElement} box of a pane */
  constructor(box) {
    this.box = box;
    this.svg = node("svg", { class: "marks", "aria-hidden": "true", "data-marks": "" });
    box.append(this.svg);
  }

  /** @param {Mark[]} marks of the frame on screen @param {(point: number[]) => number[]} place @param {{uid: string, grip: number} | null} chosen */
  draw(marks, place, chosen) {
    const room = new Room(this.box.clientWidth, this.box.clientHeight);
    this.svg.replaceChildren(...marks.map((mark) => this.#mark(mark, mark.points.map(place), chosen?.uid === mark.uid ? chosen.grip : null, room)));
  }

  /** @param {Mark} mark @param {number[][]} points on the screen @param {number | null} grip null: not chosen @param {Room} room for words */
  #mark(mark, points, grip, room) {
    const names = ["mark", `mark-${mark.side}`, mark.waits ? "mark-waits" : "", grip === null ? "" : "mark-chosen"];
    const made = node("g", { class: names.filter(Boolean).join(" "), "data-mark": mark.uid, "data-kind": mark.kind, "data-at": points.map((point) => point.map((value) => value.toFixed(2)).join()).join(" ") });
    const path = pathOf(mark.kind, points);
    made.append(node("path", { class: "mark-halo", d: path }), node("path", { class: "mark-line", d: path }));
    if (mark.kind === "cobb" && points[3]) {
      const [one, other] = [middle(points[0], points[1]), middle(points[2], points[3])];
      made.append(node("path", { class: "mark-line mark-thin", d: lineOf([one, other]) }));
    }
    if (grip !== null && mark.mine) {
      points.forEach(([x, y], index) => made.append(node("circle", { class: index === grip ? "mark-grip mark-grip-chosen" : "mark-grip", cx: String(x), cy: String(y), r: "5" })));
    }
    made.append(this.#words(mark, points, grip !== null, room));
    return made;
  }

  /** @param {Mark} mark @param {number[][]} points @param {boolean} whole every figure @param {Room} room */
  #words(mark, points, whole, room) {
    const lines = wordsOf(mark, whole);
    const signed = mark.author ? initials(mark.author) : "";
    const [x, y] = wordsAt(mark.kind, points);
    const long = Math.max(...[...lines, signed].map((line) => [...line].reduce((sum, letter) => sum + (letter > "\u2e80" ? 2 : 1), 0)));
    const height = (lines.length + (signed ? 1 : 0)) * LINE;
    const box = room.take({ left: x, top: y - ASCENT, width: long * CHARACTER, height });
    const [left, top] = [box.left, box.top + ASCENT];
    const text = node("text", { class: "mark-words", x: String(left), y: String(top) });
    lines.forEach((line, index) => {
      const part = node("tspan", { x: String(left), dy: index ? String(LINE) : "0" });
      part.textContent = line;
      text.append(part);
    });
    if (signed) {
      const by = node("tspan", { class: "mark-author", x: String(left), dy: lines.length ? String(LINE) : "0" });
      by.textContent = signed;
      text.append(by);
    }
    return text;
  }
}

/** @param {string} name @param {Record<string, string>} attributes */
function node(name, attributes) {
  const made = /** @type {SVGElement} */ (document.createElementNS(SPACE, name));
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** @param {number[][]} line */
function lineOf(line) {
  return line.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
}

/** @param {string} kind @param {number[][]} points */
function pathOf(kind, points) {
  const lines = linesOf(kind, points).map(lineOf).join("");
  const [tip, tail] = points;
  if (kind === "probe") return crossAt(tip);
  if (points.length === 1) return crossAt(tip);
  if (kind === "arrow") return lines + headOf(tip, tail);
  if (kind === "length") return lines + tick(tip, tail) + tick(tail, tip);
  return lines;
}

/** @param {number[]} at */
function crossAt([x, y]) {
  return `M${x - 9} ${y}H${x - 3}M${x + 3} ${y}H${x + 9}M${x} ${y - 9}V${y - 3}M${x} ${y + 3}V${y + 9}`;
}

/** @param {number[]} at @param {number[]} other a short stroke across the end of a line */
function tick(at, other) {
  const long = apart(at, other) || 1;
  const [across, down] = from(at, other).map((part) => (part / long) * 5);
  return lineOf([[at[0] - down, at[1] + across], [at[0] + down, at[1] - across]]);
}

/** @param {number[]} tip @param {number[]} tail */
function headOf(tip, tail) {
  const long = apart(tip, tail) || 1;
  const [x, y] = from(tip, tail).map((part) => (part / long) * 12);
  return lineOf([[tip[0] + x - y / 2, tip[1] + y + x / 2], tip, [tip[0] + x + y / 2, tip[1] + y - x / 2]]);
}

/** Where the words begin. @param {string} kind @param {number[][]} points */
function wordsAt(kind, points) {
  if (kind === "rectangle" || kind === "ellipse") {
    const [x, y] = [0, 1].map((axis) => points.map((point) => point[axis]));
    return [Math.max(...x) + 8, Math.min(...y) + 12];
  }
  const at = kind === "angle" ? points[1] : points[points.length - 1];
  return [at[0] + 10, at[1] + (kind === "probe" ? -6 : 16)];
}
