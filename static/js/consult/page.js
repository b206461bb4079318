// @ts-check
/** The consultation's page: its chat, its opinion editor, and which section one reads. */
import { Chat } from "@/consult/messages.js";
import { startOpinion } from "@/consult/opinion.js";

const root = document.querySelector("[data-chat]");
const chat = root instanceof HTMLElement ? new Chat(root) : null;
document.body.addEventListener("news", () => chat?.refresh());

startOpinion();

/** The editor is fetched again only when the right to write came or went: typed text is never swapped away. */
const rights = ["data-write", "data-report", "data-team"];
const could = rights.map(may);
document.body.addEventListener("htmx:afterSettle", () => {
  rights.forEach((right, place) => {
    const can = may(right);
    if (can === undefined || can === could[place]) return;
    could[place] = can;
    if (right === "data-team") {
      document.querySelector("[data-report-card]")?.toggleAttribute("hidden", can !== "yes");
      return;
    }
    const editor = document.querySelector(`[data-editor="${right}"]`);
    if (editor?.hasAttribute("hx-get")) htmx.trigger(editor, "refetch");
    else if (can === "yes") location.reload();
  });
});

/** @param {string} right */
function may(right) {
  return document.querySelector("[data-head]")?.getAttribute(right);
}

const links = [...document.querySelectorAll(".sectionnav a[href^='#']")];
const seen = new Map();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) seen.set(entry.target.id, entry.isIntersecting);
    const now = links.find((link) => seen.get((link.getAttribute("href") ?? "").slice(1)));
    for (const link of links) {
      if (link === now) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  },
  { rootMargin: "-120px 0px -55% 0px" },
);

/** Sections are swapped by htmx: the observer follows the new ones. */
function watchSections() {
  watcher.disconnect();
  for (const link of links) {
    const section = document.getElementById((link.getAttribute("href") ?? "").slice(1));
    if (section) watcher.observe(section);
  }
}
watchSections();
document.body.addEventListener("htmx:afterSettle", watchSections);
