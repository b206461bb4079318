// @ts-check
/** All files being sent from this page, a few at a time. Outlives the fragment that shows them. */
import { Batch, LEAST } from "@/upload/batch.js";
import { Sending } from "@/upload/sending.js";

const AT_ONCE = 3;
/** @type {Map<string, Sending[]>} by the address where uploads begin */
const queues = new Map();
/** @type {Map<string, Batch[]>} */
const groups = new Map();
/** @type {Set<() => void>} */
const watchers = new Set();

/** @param {string} url */
export function sendings(url) {
  const known = queues.get(url) ?? [];
  queues.set(url, known);
  return known;
}

/** Many files at once. @param {string} url */
export function batches(url) {
  const known = groups.get(url) ?? [];
  groups.set(url, known);
  return known;
}

/** Files that are shown one by one. @param {string} url */
export function singles(url) {
  const grouped = new Set(batches(url).flatMap((batch) => batch.sendings));
  return sendings(url).filter((sending) => !grouped.has(sending));
}

/** @param {() => void} watcher */
export function watch(watcher) {
  watchers.add(watcher);
}

/** @param {string} url @param {import("@/upload/folder.js").Found} found @param {number} largest */
export function add(url, found, largest) {
  const made = found.files.map((file) => new Sending(file, url, largest, changed));
  sendings(url).push(...made);
  if (made.length >= LEAST || (made.length && found.name)) {
    const batch = new Batch(url, found.name, found.beside, found.index);
    batch.sendings.push(...made);
    batches(url).push(batch);
  }
  next(url);
}

/** @param {Sending} sending */
export function retry(sending) {
  remove(sending);
  add(sending.url, { files: [sending.file], beside: 0, name: "" }, sending.largest);
}

/** What failed in it is sent again. @param {Batch} batch */
export function retryBatch(batch) {
  for (const sending of batch.failed) {
    const again = new Sending(sending.file, sending.url, sending.largest, changed);
    batch.sendings[batch.sendings.indexOf(sending)] = again;
    remove(sending);
    sendings(batch.url).push(again);
  }
  next(batch.url);
}

/** @param {Sending} sending */
export async function drop(sending) {
  remove(sending);
  await sending.cancel();
  changed();
  next(sending.url);
}

/** @param {Batch} batch */
export async function dropBatch(batch) {
  const list = batches(batch.url);
  list.splice(list.indexOf(batch), 1);
  batch.sendings.forEach(remove);
  changed();
  await Promise.all(batch.sendings.map((sending) => sending.cancel()));
  next(batch.url);
}

/** @param {Sending} sending */
function remove(sending) {
  const list = sendings(sending.url);
  const at = list.indexOf(sending);
  if (at >= 0) list.splice(at, 1);
}

/** @param {string} url */
function next(url) {
  const list = sendings(url);
  const running = list.filter((each) => !each.isOver && each.stage !== "waiting").length;
  for (const each of list.filter((one) => one.stage === "waiting").slice(0, Math.max(0, AT_ONCE - running))) {
    each.stage = "checking";
    each.start().then(() => next(url));
  }
  changed();
}

function changed() {
  for (const watcher of watchers) watcher();
}

/** Whether leaving the page would stop something. */
export function isBusy() {
  return [...queues.values()].flat().some((each) => !each.isOver);
}
