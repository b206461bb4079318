// @ts-check
/** Times in the reader's zone and language, kept moving: "5 min ago", "12 min late". */
import { language } from "@/base/i18n.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const exact = new Intl.DateTimeFormat(language, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium", hourCycle: "h23" });
const short = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** "10:42" in the reader's zone. @param {Date} [at] */
export function clockTime(at = new Date()) {
  return short.format(at);
}

/** "5 min ago"; beyond a week the date. @param {Date} at */
export function ago(at, now = new Date()) {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return gettext("just now");
  if (size < 50 * MINUTE) return relative.format(Math.round(seconds / MINUTE), "minute");
  if (size < 22 * HOUR) return relative.format(Math.round(seconds / HOUR), "hour");
  if (size < 7 * DAY) return relative.format(Math.round(seconds / DAY), "day");
  return exact.format(at);
}

/** The same words and steps as consult/templatetags/ui.py. @param {number} seconds */
export function span(seconds) {
  const minutes = Math.floor(seconds / MINUTE);
  if (minutes < 100) return interpolate(gettext("%(count)s min"), { count: minutes }, true);
  if (minutes < 48 * 60) return interpolate(gettext("%(count)s h"), { count: Math.floor(minutes / 60) }, true);
  return interpolate(gettext("%(count)s days"), { count: Math.floor(minutes / 1440) }, true);
}

/** @param {HTMLElement} clock */
function drawClock(clock) {
  const due = Date.parse(clock.dataset.due ?? "");
  if (clock.dataset.clock === "paused" || Number.isNaN(due)) return;
  const left = (due - Date.now()) / 1000;
  const state = left < 0 ? "late" : left <= Number(clock.dataset.soon ?? 900) ? "soon" : "ok";
  const words = left < 0 ? gettext("%(span)s late") : gettext("%(span)s left");
  if (clock.dataset.clock !== state) clock.dataset.clock = state;
  setText(clock.querySelector("[data-clock-text]"), interpolate(words, { span: span(Math.abs(left)) }, true));
  clock.title = full.format(due);
}

/** @param {ParentNode} [root] */
export function drawTimes(root = document) {
  for (const time of root.querySelectorAll("time[data-relative], time[data-exact]")) {
    const at = new Date(time.getAttribute("datetime") ?? "");
    if (Number.isNaN(at.getTime())) continue;
    setText(time, time.hasAttribute("data-relative") ? ago(at) : exact.format(at));
    time.setAttribute("title", full.format(at));
  }
  for (const clock of root.querySelectorAll("[data-clock]")) drawClock(/** @type {HTMLElement} */ (clock));
}

/** Only a changed text touches the page. @param {Element | null} node @param {string} text */
function setText(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** Forms are read and shown in the reader's zone too. */
function tellZone() {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

export function startTimes() {
  tellZone();
  drawTimes();
  document.body.addEventListener("htmx:load", (event) => drawTimes(/** @type {any} */ (event).detail.elt));
  setInterval(() => document.hidden || drawTimes(), 10_000);
  document.addEventListener("visibilitychange", () => document.hidden || drawTimes());
}
