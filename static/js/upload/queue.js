// @ts-check
/** All files being sent from this page, a few at a time. Outlives the fragment that shows them. */
import { Sending } from "@/upload/sending.js";

const AT_ONCE = 3;
/** @type {Map<string, Sending[]>} by the address where uploads begin */
const queues = new Map();
/** @type {Set<(sending: Sending) => void>} */
const watchers = new Set();

/** @param {string} url */
export function sendings(url) {
  const known = queues.get(url) ?? [];
  queues.set(url, known);
  return known;
}

/** @param {(sending: Sending) => void} watcher */
export function watch(watcher) {
  watchers.add(watcher);
}

/** @param {string} url @param {Iterable<File>} files @param {number} largest */
export function add(url, files, largest) {
  for (const file of files) sendings(url).push(new Sending(file, url, largest, changed));
  next(url);
}

/** @param {Sending} sending */
export function retry(sending) {
  const list = sendings(sending.url);
  list.splice(list.indexOf(sending), 1);
  add(sending.url, [sending.file], sending.largest);
}

/** @param {Sending} sending */
export async function drop(sending) {
  const list = sendings(sending.url);
  list.splice(list.indexOf(sending), 1);
  await sending.cancel();
  changed(sending);
  next(sending.url);
}

/** @param {string} url */
function next(url) {
  const list = sendings(url);
  const running = list.filter((each) => !each.isOver && each.stage !== "waiting").length;
  for (const each of list.filter((one) => one.stage === "waiting").slice(0, Math.max(0, AT_ONCE - running))) {
    each.stage = "checking";
    each.start().then(() => next(url));
  }
  for (const watcher of watchers) watcher(list[0]);
}

/** @param {Sending} sending */
function changed(sending) {
  for (const watcher of watchers) watcher(sending);
}

/** Whether leaving the page would stop something. */
export function isBusy() {
  return [...queues.values()].flat().some((each) => !each.isOver);
}
