// @ts-check
/**
 * News of this person (docs/protocol.md, Inbox): fragments with `hx-trigger="news from:body"` fetch themselves again,
 * the bell counts, and a lost line is said with the time of the last word.
 */
import { ring } from "@/base/news.js";
import { ago } from "@/base/times.js";

const FIRST = 500;
const LONGEST = 5000;
const PING = 25_000;
const PATIENCE = 3000; // a reconnect faster than this is not worth a banner

let seq = 0;
let wait = FIRST;
let lastWord = new Date();
let ping = 0;
let banner = 0;
let asking = 0;

export function startInbox() {
  const { inbox, seq: known } = document.body.dataset;
  if (!inbox) return;
  seq = Number(known) || 0;
  connect(inbox);
  document.body.addEventListener("htmx:configRequest", markBackground);
  setInterval(showAge, 15_000);
}

/** @param {string} path */
function connect(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.addEventListener("message", (event) => {
    lastWord = new Date();
    hear(JSON.parse(event.data));
  });
  socket.addEventListener("open", () => {
    clearInterval(ping);
    ping = window.setInterval(() => socket.send('{"t":"ping"}'), PING);
  });
  socket.addEventListener("close", (event) => {
    clearInterval(ping);
    if (event.code === 4401) location.reload();
    else lost(path);
  });
}

/** @param {string} path */
function lost(path) {
  banner ||= window.setTimeout(() => setStale(true), PATIENCE);
  setTimeout(() => connect(path), wait * (0.75 + Math.random() / 2));
  wait = Math.min(wait * 2, LONGEST);
}

/** @param {any} message */
function hear(message) {
  if (message.t === "hello") {
    const missed = message.seq > seq && seq > 0;
    const returned = banner !== 0;
    wait = FIRST;
    clearTimeout(banner);
    banner = 0;
    setStale(false);
    if (missed || returned) count(message.seq);
    seq = Math.max(seq, message.seq);
    if (missed || returned) tell({ kind: "missed" });
    else tell({ kind: "annotation" }); // nobody counts these: look again after each new line
  } else if (message.t === "news") {
    if (message.kind === "notification" || message.seq > seq) count(message.seq);
    tell(message);
  }
}

/** Asks how much is unread, once for news that come together: another window may have read some. @param {number} newest */
function count(newest) {
  seq = Math.max(seq, newest);
  asking ||= window.setTimeout(showUnread, 150);
}

async function showUnread() {
  asking = 0;
  const bell = document.querySelector("[data-bell]");
  const badge = bell?.querySelector("[data-bell-count]");
  if (!(bell instanceof HTMLAnchorElement) || !(badge instanceof HTMLElement)) return;
  const headers = { Accept: "application/json", "X-Background": "1" };
  const answer = await fetch(`${bell.href}?after=${seq}`, { headers }).catch(() => null);
  if (!answer?.ok) return; // the line is lost: what was missed is asked again when it is back
  const { unread } = await answer.json();
  badge.textContent = String(unread);
  badge.hidden = unread === 0;
}

/** @param {Record<string, unknown>} detail */
function tell(detail) {
  ring(detail);
}

/** A fragment that fetches itself is not a person's act: it must not keep a session alive. @param {Event} event */
function markBackground(event) {
  const { detail } = /** @type {any} */ (event);
  const cause = detail.triggeringEvent?.type;
  if (detail.verb === "get" && (!cause || cause === "news")) detail.headers["X-Background"] = "1";
}

/** @param {boolean} stale */
function setStale(stale) {
  const line = document.querySelector("[data-stale]");
  if (line instanceof HTMLElement) line.hidden = !stale;
  showAge();
}

function showAge() {
  const place = document.querySelector("[data-stale-time]");
  if (place) place.textContent = interpolate(gettext("Updated %(ago)s."), { ago: ago(lastWord) }, true);
}
