// @ts-check
/**
 * `<form data-autosave="/url/" data-autosave-key="draft-12">` posts itself after a pause in typing and says so in
 * `[data-saved]`. `data-autosave-at` is when the server's text was kept: an older local text does not replace it. When the server cannot be reached the text stays in this browser and is offered again after a reload.
 */
import { clockTime } from "@/base/times.js";
import { Drafts, forgetAll } from "@/base/drafts.js";

const PAUSE = 1200;
const RETRY = 10_000;

/** @param {HTMLFormElement} form */
export function watch(form) {
  const drafts = new Drafts(form);
  const label = form.querySelector("[data-saved]") ?? document.querySelector(`[data-saved-for="${form.id}"]`);
  let timer = 0;
  let busy = false;
  let again = false;
  let sending = "";
  let kept = ""; // the text the server has: leaving a field is no reason to send it twice

  /** @param {string} state @param {string} words */
  const say = (state, words) => {
    if (!(label instanceof HTMLElement)) return;
    label.dataset.saved = state;
    label.textContent = words;
  };

  const save = async () => {
    if (busy) {
      again = true;
      return;
    }
    sending = drafts.text();
    if (sending === kept) {
      drafts.forget(kept);
      form.dispatchEvent(new CustomEvent("autosaved", { bubbles: true, detail: {} }));
      return;
    }
    busy = true;
    again = false;
    say("saving", gettext("Saving…"));
    const wait = await post(form, drafts, say).catch(() => {
      say("local", interpolate(gettext("No connection. Kept on this computer %(time)s"), { time: clockTime() }, true));
      return RETRY;
    });
    busy = false;
    if (again || wait) plan(again ? PAUSE : wait);
  };

  /** @param {number} wait */
  const plan = (wait) => {
    clearTimeout(timer);
    timer = window.setTimeout(save, wait);
  };

  const changed = () => {
    drafts.keep();
    plan(PAUSE);
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("autosaved", () => (kept = sending));
  form.addEventListener("submit", () => clearTimeout(timer));
  if (drafts.restore()) {
    say("local", gettext("Restored what you typed before"));
    plan(PAUSE);
  }
}

/**
 * @param {HTMLFormElement} form @param {Drafts} drafts @param {(state: string, words: string) => void} say
 * @returns {Promise<number>} milliseconds until the next try, 0 for none
 */
async function post(form, drafts, say) {
  const sent = drafts.text();
  const body = new FormData(form);
  const answer = await fetch(form.dataset.autosave ?? "", { method: "POST", body, headers: { Accept: "application/json" } });
  if (answer.ok) {
    const detail = await answer.json().catch(() => ({}));
    if (mark(form, detail.unkept ?? {}, say)) return 0; // stays in this browser until it can be kept
    drafts.forget(sent);
    say("saved", interpolate(gettext("Saved %(time)s"), { time: clockTime() }, true));
    form.dispatchEvent(new CustomEvent("autosaved", { bubbles: true, detail }));
    return 0;
  }
  if (answer.status >= 500) throw new Error(String(answer.status));
  if (answer.status === 401) say("local", gettext("You were signed out. Kept on this computer."));
  else await refused(form, answer, say);
  return 0;
}

/**
 * Marks the fields that the server could not keep and says which and why. Whether there are any.
 * @param {HTMLFormElement} form @param {Record<string, string>} unkept @param {(state: string, words: string) => void} say
 */
function mark(form, unkept, say) {
  for (const field of form.querySelectorAll("[data-unkept]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("data-unkept");
  }
  const words = [];
  for (const [name, reason] of Object.entries(unkept)) {
    const field = form.elements.namedItem(name);
    if (!(field instanceof HTMLElement)) continue;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("data-unkept", "");
    const label = /** @type {HTMLInputElement} */ (field).labels?.[0]?.textContent?.trim() ?? name;
    words.push(interpolate(gettext("Not saved: %(field)s. %(reason)s"), { field: label, reason }, true));
  }
  if (words.length) say("failed", words.join(" "));
  return words.length > 0;
}

/** @param {HTMLFormElement} form @param {Response} answer @param {(state: string, words: string) => void} say */
async function refused(form, answer, say) {
  const detail = await answer.json().catch(() => ({}));
  say("failed", detail.message ?? gettext("Not saved. Copy your text and reload the page."));
  form.dispatchEvent(new CustomEvent("autosave-refused", { bubbles: true, detail }));
}

export function startAutosave() {
  document.querySelector("[data-signout]")?.addEventListener("submit", forgetAll);
  for (const form of document.querySelectorAll("form[data-autosave]")) watch(/** @type {HTMLFormElement} */ (form));
  document.body.addEventListener("htmx:load", (event) => {
    const root = /** @type {any} */ (event).detail.elt;
    if (root === document.body) return;
    const forms = root.matches?.("form[data-autosave]") ? [root] : root.querySelectorAll("form[data-autosave]");
    for (const form of forms) watch(form);
  });
}
