// @ts-check
/** Reference lines: where the planes of the other panes go through this one. */
import { onScreen } from "@/viewer/transform.js";
import { lineIn, sliceOf } from "@/viewer/planes.js";

/** @typedef {import("@/viewer/pane.js").Pane} Pane */

const SPACE = "http://www.w3.org/2000/svg";

export class Lines {
  /** @param {HTMLElement} box of a pane */
  constructor(box) {
    this.svg = document.createElementNS(SPACE, "svg");
    this.svg.setAttribute("class", "reference-lines");
    this.svg.setAttribute("aria-hidden", "true");
    box.append(this.svg);
  }

  /** @param {Pane} pane @param {Pane[]} others whose planes are drawn @param {Pane} active */
  draw(pane, others, active) {
    const shown = slice(pane);
    const made = others.flatMap((other) => {
      const cutting = slice(other);
      const ends = shown && cutting && lineIn(shown, cutting);
      if (!ends) return [];
      const [from, to] = ends.map(([x, y]) => onScreen(pane.stage.matrix, { x, y }));
      const line = document.createElementNS(SPACE, "path");
      line.setAttribute("d", `M${from.x.toFixed(1)} ${from.y.toFixed(1)}L${to.x.toFixed(1)} ${to.y.toFixed(1)}`);
      line.setAttribute("class", other === active ? "reference-line reference-line-active" : "reference-line");
      line.dataset.line = ends.flat().map((value) => value.toFixed(2)).join();
      return [line];
    });
    this.svg.replaceChildren(...made);
  }
}

/** Of what is on screen. @param {Pane} pane */
function slice({ asked, image, painter, view }) {
  return image && view && painter.drawn === asked ? sliceOf(image, view.frame) : null;
}
