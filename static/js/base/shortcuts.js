// @ts-check
/**
 * `/` goes to the search field, `?` shows the keys. A page adds its own with `data-key="a"` on a button or link
 * (pressed when nobody types; its words are shown in the sheet), or a list of keys that it listens to itself by `addKeys`.
 */
import { element } from "@/base/dom.js";
import { show } from "@/base/dialogs.js";

const SEARCH = "[data-search], input[type=search]";
/** @type {Set<() => {title: string, rows: string[][]}>} */
const sheets = new Set();

/** @param {() => {title: string, rows: string[][]}} sheet keys and what they do @returns {() => void} takes it away */
export function addKeys(sheet) {
  sheets.add(sheet);
  return () => sheets.delete(sheet);
}

function keySheet() {
  if (document.querySelector("dialog[open]")) return;
  const rows = [["/", gettext("Search")], ["?", gettext("Show this list")], ["Esc", gettext("Close a menu or dialog")]];
  if (!document.querySelector(SEARCH)) rows.shift();
  for (const target of document.querySelectorAll("[data-key]")) {
    const words = target.getAttribute("aria-label") || target.textContent?.trim() || "";
    rows.push([target.getAttribute("data-key") ?? "", words]);
  }
  const more = [...sheets].map((sheet) => sheet()).flatMap(({ title, rows: own }) => [element("h3", { class: "keys-title" }, title), listOf(own)]);
  show(gettext("Keyboard shortcuts"), [...more, listOf(rows)], []);
}

/** @param {string[][]} rows keys of a row are parted by blanks */
function listOf(rows) {
  const list = element("dl", { class: "keys" });
  for (const [keys, words] of rows) {
    list.append(element("dt", {}, ...keys.split(" ").map((key) => element("kbd", {}, key))), element("dd", {}, words));
  }
  return list;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const typing = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "?") keySheet();
  else if (event.key === "/") focusSearch(event);
  else press(event);
}

/** @param {KeyboardEvent} event */
function focusSearch(event) {
  const field = document.querySelector(SEARCH);
  if (!(field instanceof HTMLInputElement)) return;
  event.preventDefault();
  field.focus();
  field.select();
}

/** @param {KeyboardEvent} event */
function press(event) {
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!(target instanceof HTMLElement) || target.matches(":disabled")) return;
  event.preventDefault();
  target.click();
}

export function startShortcuts() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-shortcuts]")) keySheet();
  });
}
