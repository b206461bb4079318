// @ts-check
/**
 * The opinion's editor, `form[data-opinion]`: takes over the new revision after each save, shows both texts when another
 * window saved meanwhile, and signs only what the server has.
 */
import { element } from "@/base/dom.js";
import { offerTemplates } from "@/consult/templates.js";

const FIELDS = ["findings", "diagnosis", "diagnosis_codes", "recommendation", "critical"];
const WAIT = 8000;

/** @param {HTMLFormElement} form */
function watchOpinion(form) {
  if (form.dataset.watched) return;
  form.dataset.watched = "yes";
  offerTemplates(form);
  let dirty = false;
  form.addEventListener("input", () => (dirty = true));
  form.addEventListener("autosaved", (event) => {
    const { draft_rev } = /** @type {CustomEvent} */ (event).detail;
    if (draft_rev !== undefined) field(form, "draft_rev").value = String(draft_rev);
    dirty = false;
  });
  form.addEventListener("autosave-refused", (event) => {
    const { code, message } = /** @type {CustomEvent} */ (event).detail;
    if (code === "draft_changed") showConflict(form, message);
  });
  const sign = form.querySelector("[data-sign]");
  sign?.addEventListener("click", async () => {
    if (dirty) await saved(form);
    htmx.trigger(sign, "saved-for-signing");
  });
}

/** Which of the texts this form has. @param {HTMLFormElement} form */
function texts(form) {
  return FIELDS.filter((name) => form.elements.namedItem(name));
}

/** @param {HTMLFormElement} form @param {string} name */
function field(form, name) {
  return /** @type {HTMLTextAreaElement | HTMLInputElement} */ (form.elements.namedItem(name));
}

/** Resolves when the text typed last is with the server, or after a while. @param {HTMLFormElement} form */
function saved(form) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, WAIT);
    form.addEventListener(
      "autosaved",
      () => {
        clearTimeout(timer);
        resolve(undefined);
      },
      { once: true },
    );
  });
}

/** @param {HTMLFormElement} form @param {string} words */
async function showConflict(form, words) {
  const banner = form.querySelector("[data-conflict]");
  if (!(banner instanceof HTMLElement)) return;
  const newer = await newest(form);
  const list = element("dl", { class: "facts" });
  for (const name of texts(form)) {
    const label = field(form, name).dataset.label ?? form.querySelector(`label[for="${field(form, name).id}"]`)?.textContent ?? "";
    list.append(element("dt", {}, label), element("dd", {}, newer.get(name) || "–"));
  }
  const mine = element("button", { class: "button button-small", type: "button" }, gettext("Keep my text"));
  const theirs = element("button", { class: "button button-small", type: "button" }, gettext("Take the newer text"));
  mine.addEventListener("click", () => settle(form, banner, newer, false));
  theirs.addEventListener("click", () => settle(form, banner, newer, true));
  const body = element("div", { class: "stack stack-small" }, element("p", { class: "banner-title" }, words), list);
  body.append(element("div", { class: "row" }, mine, theirs));
  banner.lastElementChild?.replaceWith(body);
  banner.hidden = false;
}

/** What the server has now. @param {HTMLFormElement} form @returns {Promise<Map<string, string>>} */
async function newest(form) {
  const answer = await fetch(form.action, { headers: { "HX-Request": "true" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = new Map();
  for (const name of [...texts(form), "draft_rev"]) {
    const node = page.querySelector(`[name="${name}"]`);
    found.set(name, node instanceof HTMLTextAreaElement ? node.value : (node?.getAttribute("value") ?? ""));
  }
  return found;
}

/** @param {HTMLFormElement} form @param {HTMLElement} banner @param {Map<string, string>} newer @param {boolean} take */
function settle(form, banner, newer, take) {
  for (const name of take ? texts(form) : []) field(form, name).value = newer.get(name) ?? "";
  field(form, "diagnosis_codes").dispatchEvent(new Event("codes-set"));
  field(form, "draft_rev").value = newer.get("draft_rev") ?? "0";
  banner.hidden = true;
  field(form, "findings").dispatchEvent(new Event("input", { bubbles: true }));
}

/** Watches editors that are there and those that come as fragments. */
export function startOpinion() {
  const look = (/** @type {ParentNode} */ root) => {
    for (const form of root.querySelectorAll("form[data-opinion]")) watchOpinion(/** @type {HTMLFormElement} */ (form));
  };
  look(document);
  document.body.addEventListener("htmx:load", (event) => look(/** @type {any} */ (event).detail.elt.parentNode ?? document));
}
