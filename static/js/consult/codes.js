// @ts-check
/**
 * `input[data-codes="/diagnoses/"]` holds ICD-10 codes, separated by spaces. It becomes a list of chosen ones and a box in which one
 * searches (the pattern "combobox with list autocomplete" of WAI-ARIA). Without scripts the codes are typed into the input.
 */
import { element, icon } from "@/base/dom.js";

const PAUSE = 150;
let made = 0;

/** @typedef {{ code: string, name: string }} Found */

class Chooser {
  /** @param {HTMLInputElement} input */
  constructor(input) {
    this.input = input;
    this.id = `codes-${(made += 1)}`;
    /** @type {Found[]} */
    this.found = [];
    this.at = -1;
    this.timer = 0;
    this.asked = 0;
    const label = input.labels?.[0];
    input.dataset.label = label?.textContent ?? "";
    input.hidden = true;
    this.chosen = element("ul", { class: "chips", "aria-label": gettext("Chosen codes") });
    this.box = /** @type {HTMLInputElement} */ (
      element("input", {
        class: "input", type: "text", id: this.id, role: "combobox", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list",
        "aria-expanded": "false", "aria-controls": `${this.id}-list`, placeholder: gettext("Name, pinyin or code"),
      })
    );
    if (label) label.htmlFor = this.id;
    const hint = input.getAttribute("aria-describedby");
    if (hint) this.box.setAttribute("aria-describedby", hint);
    this.list = element("ul", { class: "options", role: "listbox", id: `${this.id}-list`, "aria-label": "ICD-10" });
    this.list.hidden = true;
    this.said = element("p", { class: "visually-hidden", role: "status" });
    const frame = element("div", { class: "codes" }, this.chosen, element("div", { class: "codes-search" }, this.box, this.list), this.said);
    input.after(frame);
    this.box.addEventListener("input", (event) => {
      event.stopPropagation(); // what is searched for is no part of the form
      this.plan();
    });
    this.box.addEventListener("change", (event) => event.stopPropagation());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    input.addEventListener("codes-set", () => this.draw());
    this.draw();
  }

  get codes() {
    return this.input.value.split(/\s+/).filter(Boolean);
  }

  /** @param {string[]} codes */
  set(codes) {
    this.input.value = codes.join(" ");
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    this.draw();
  }

  /** The chosen ones with their names, which the server knows. */
  async draw() {
    const codes = this.codes;
    this.chosen.hidden = !codes.length;
    this.chosen.replaceChildren(...codes.map((code) => this.chip(code, "")));
    if (!codes.length) return;
    const rows = await this.ask({ codes: codes.join(" ") });
    const names = new Map(rows.map((row) => [row.code, row.name]));
    if (this.codes.join() === codes.join()) this.chosen.replaceChildren(...codes.map((code) => this.chip(code, names.get(code) ?? "")));
  }

  /** @param {string} code @param {string} name */
  chip(code, name) {
    const words = interpolate(gettext("Remove %(code)s"), { code: `${code} ${name}` }, true);
    const remove = element("button", { class: "chip-remove", type: "button", "aria-label": words }, icon("x"));
    remove.addEventListener("click", () => this.remove(code));
    return element("li", { class: "chip", "data-code": code }, element("code", {}, code), ` ${name} `, remove);
  }

  /** @param {string} code */
  remove(code) {
    this.set(this.codes.filter((one) => one !== code));
    this.said.textContent = interpolate(gettext("%(code)s removed"), { code }, true);
    this.box.focus();
  }

  plan() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.look(), PAUSE);
  }

  async look() {
    const sought = this.box.value.trim();
    const turn = (this.asked += 1);
    const found = sought ? await this.ask({ q: sought }) : [];
    if (turn !== this.asked) return; // something else is sought by now
    this.found = found.filter((row) => !this.codes.includes(row.code));
    this.at = this.found.length ? 0 : -1;
    this.list.replaceChildren(
      ...this.found.map((row, index) => {
        const option = element("li", { role: "option", id: `${this.id}-${index}`, "data-code": row.code });
        option.append(element("code", {}, row.code), ` ${row.name}`);
        option.addEventListener("click", () => this.pick(index));
        return option;
      }),
    );
    if (sought && !this.found.length) this.list.append(element("li", { class: "muted", role: "presentation" }, gettext("No code matches. The words above are enough.")));
    this.list.hidden = !sought;
    if (sought) this.list.scrollIntoView({ block: "nearest" });
    this.box.setAttribute("aria-expanded", String(Boolean(this.found.length)));
    const count = this.found.length;
    this.said.textContent = sought ? interpolate(ngettext("%(count)s code found", "%(count)s codes found", count), { count }, true) : "";
    this.mark();
  }

  mark() {
    for (const [index, option] of [...this.list.querySelectorAll("[role=option]")].entries()) {
      option.setAttribute("aria-selected", String(index === this.at));
      if (index === this.at) option.scrollIntoView({ block: "nearest" });
    }
    if (this.at >= 0) this.box.setAttribute("aria-activedescendant", `${this.id}-${this.at}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  /** @param {number} index */
  pick(index) {
    const row = this.found[index];
    if (!row) return;
    this.box.value = "";
    this.close();
    this.set([...this.codes, row.code]);
    this.said.textContent = interpolate(gettext("%(code)s added"), { code: `${row.code} ${row.name}` }, true);
  }

  close() {
    this.asked += 1;
    clearTimeout(this.timer);
    this.found = [];
    this.at = -1;
    this.list.hidden = true;
    this.box.setAttribute("aria-expanded", "false");
    this.mark();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.found.length) {
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.mark();
    } else if (event.key === "Enter") {
      if (this.at >= 0) this.pick(this.at);
    } else if (event.key === "Escape" && !this.list.hidden) {
      this.close();
    } else if (event.key === "Backspace" && !this.box.value && this.codes.length) {
      this.remove(this.codes[this.codes.length - 1]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Record<string, string>} query @returns {Promise<Found[]>} */
  async ask(query) {
    const answer = await fetch(`${this.input.dataset.codes}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } });
    return answer.ok ? (await answer.json()).found : [];
  }
}

/** Boxes that are there and those that come as fragments. */
export function startCodes() {
  const look = (/** @type {ParentNode} */ root) => {
    for (const input of root.querySelectorAll("input[data-codes]:not([hidden])")) new Chooser(/** @type {HTMLInputElement} */ (input));
  };
  look(document);
  document.body.addEventListener("htmx:load", (event) => look(/** @type {any} */ (event).detail.elt.parentNode ?? document));
}
