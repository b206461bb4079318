// @ts-check
/** The second row of tools: what to draw, how, and taking back. Opened and closed by a button of the first. */
import { element, icon } from "@/base/dom.js";
import { KINDS } from "@/viewer/tools/kinds.js";

export class MarkBar {
  /** @param {HTMLElement} root @param {HTMLElement} tools the first row @param {import("@/viewer/tools/marks.js").Marks} marks */
  constructor(root, tools, marks) {
    this.marks = marks;
    this.open = button("ruler", gettext("Measure"), () => this.toggle());
    this.open.dataset.measure = "";
    this.list = button("list-ordered", gettext("Marks"), () => marks.panel.toggle());
    this.list.dataset.list = "";
    this.count = element("span", { class: "tool-count" });
    this.list.append(this.count);
    tools.prepend(this.open, this.list, element("hr"));
    this.bar = element("div", { class: "viewer-tools mark-tools", role: "toolbar", "aria-label": gettext("Measuring tools") });
    this.bar.hidden = true;
    this.kinds = Object.entries(KINDS).map(([name, kind]) => {
      const made = button(kind.icon, kind.name(), () => marks.viewer.acts.tool(marks.viewer.tool === name ? "window" : name));
      made.dataset.kind = name;
      return made;
    });
    this.undo = /** @type {HTMLButtonElement} */ (button("undo-2", gettext("Undo"), () => marks.editing.undo()));
    this.remove = /** @type {HTMLButtonElement} */ (button("trash-2", gettext("Delete"), () => marks.editing.remove()));
    this.hint = element("p", { class: "mark-hint", role: "status" });
    this.bar.append(...this.kinds, element("hr"), this.remove, this.undo, this.hint);
    root.append(this.bar);
  }

  toggle() {
    const { viewer } = this.marks;
    this.bar.hidden = !this.bar.hidden;
    if (this.bar.hidden && KINDS[viewer.tool]) viewer.acts.tool("window");
    else this.show();
  }

  show() {
    const { viewer, store, inHand } = this.marks;
    if (KINDS[viewer.tool]) this.bar.hidden = false;
    this.open.hidden = !store.may;
    this.open.setAttribute("aria-pressed", String(!this.bar.hidden));
    for (const made of this.kinds) {
      made.setAttribute("aria-pressed", String(made.dataset.kind === viewer.tool));
      if (made.dataset.kind === "probe") /** @type {HTMLButtonElement} */ (made).disabled = viewer.image?.kind !== "dicom";
    }
    this.undo.disabled = !store.mayUndo;
    this.remove.disabled = !inHand?.mine;
    const count = store.marks.size;
    this.count.textContent = count ? String(count) : "";
    this.list.setAttribute("aria-pressed", String(this.marks.panel?.isOpen ?? false));
    const words = KINDS[viewer.tool]?.how() ?? (inHand && !inHand.mine ? interpolate(gettext("Drawn by %(name)s"), { name: inHand.author }, true) : "");
    if (this.hint.textContent !== words) this.hint.textContent = words;
  }
}

/** @param {string} name @param {string} label @param {() => void} act */
function button(name, label, act) {
  const made = element("button", { type: "button", class: "tool" }, icon(name), label);
  made.addEventListener("click", act);
  return made;
}
