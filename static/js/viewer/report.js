// @ts-check
/** A structured report in the viewer's place: fetched as a page's piece, read by scrolling, its images opened here. */
import { element } from "@/base/dom.js";

const SCROLLS = ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", " "];

export class Paper {
  /** @param {HTMLElement} box @param {(image: number, frame: number) => void} open */
  constructor(box, open) {
    this.sheet = element("div", { class: "paper", tabindex: "0", role: "document", "aria-label": gettext("Report") });
    this.sheet.hidden = true;
    box.append(this.sheet);
    for (const name of ["pointerdown", "pointermove", "wheel", "dblclick", "contextmenu"]) {
      this.sheet.addEventListener(name, (event) => event.stopPropagation()); // here they select and scroll words
    }
    this.sheet.addEventListener("keydown", (event) => {
      if (SCROLLS.includes(event.key)) event.stopPropagation();
    });
    this.sheet.addEventListener("click", (event) => {
      const link = event.target instanceof Element ? event.target.closest("[data-report-image]") : null;
      if (!(link instanceof HTMLElement)) return;
      event.preventDefault();
      open(Number(link.dataset.reportImage), Number(link.dataset.reportFrame));
    });
  }

  /** @param {string} url @returns {Promise<Node[]>} rejects with an Error whose message is for people */
  static async fetch(url) {
    const answer = await fetch(url, { headers: { Accept: "text/html, application/json" } }).catch(() => {
      throw new Error(gettext("No connection. The image will be fetched again."), { cause: "line" });
    });
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      throw new Error(said.message ?? gettext("This report cannot be shown."));
    }
    return [...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes];
  }

  /** @param {Node[]} words */
  show(words) {
    this.sheet.replaceChildren(...words);
    this.sheet.hidden = false;
    this.sheet.scrollTop = 0;
  }

  hide() {
    this.sheet.hidden = true;
    this.sheet.replaceChildren();
  }
}
