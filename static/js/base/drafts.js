// @ts-check
/** What was typed into one form, kept in this browser until the server has it. Never files or passwords. */

const PREFIX = "draft:";
const KEEP = 7 * 24 * 3600 * 1000;

export class Drafts {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    const owner = document.body.dataset.user ?? "";
    this.key = `${PREFIX}${owner}:` + (form.dataset.autosaveKey || location.pathname + (form.id ? `#${form.id}` : ""));
  }

  /** The fields as one comparable text. */
  text() {
    const pairs = [];
    for (const [name, value] of new FormData(this.form)) {
      const field = this.form.elements.namedItem(name);
      const secret = field instanceof HTMLInputElement && (field.type === "password" || field.type === "hidden");
      if (typeof value === "string" && !secret) pairs.push([name, value]);
    }
    return JSON.stringify(pairs);
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), fields: this.text() }));
    } catch {
      // A full or forbidden store must not stop anyone from typing.
    }
  }

  /** Forgets only what was sent: text typed meanwhile stays. @param {string} sent */
  forget(sent) {
    if (this.text() === sent) localStorage.removeItem(this.key);
  }

  /** Puts back what the server never got. Returns whether anything changed. */
  restore() {
    const kept = this.#read();
    if (!kept || kept.fields === this.text()) return false;
    if (kept.at < Date.parse(this.form.dataset.autosaveAt ?? "")) return false;
    let changed = false;
    for (const [name, value] of JSON.parse(kept.fields)) {
      const field = this.form.elements.namedItem(name);
      if (field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement) {
        changed ||= field.value !== value;
        field.value = value;
      } else if (field instanceof RadioNodeList) {
        changed ||= choose(field, value);
      } else if (field instanceof HTMLInputElement && field.type !== "hidden" && field.type !== "file") {
        changed ||= field.type === "checkbox" ? !field.checked : field.value !== value;
        if (field.type === "checkbox") field.checked = true;
        else field.value = value;
      }
    }
    return changed;
  }

  #read() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
      if (kept && Date.now() - kept.at < KEEP) return kept;
      localStorage.removeItem(this.key);
    } catch {
      // Unreadable: as if nothing was kept.
    }
    return null;
  }
}

/** Whoever signs out leaves nothing on a shared computer. */
export function forgetAll() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  }
}

/** @param {RadioNodeList} nodes @param {string} value */
function choose(nodes, value) {
  for (const node of nodes) {
    const box = /** @type {HTMLInputElement} */ (node);
    if (box.value !== value || box.checked) continue;
    box.checked = true;
    return true;
  }
  return false;
}
