// @ts-check
/** The drop zone and the rows of files being sent. Rows are drawn from the queue, so a new zone shows what runs. */
import { element, icon } from "@/base/dom.js";
import { BatchRow, lostWords } from "@/upload/batchrow.js";
import { fromDrop, fromInput } from "@/upload/folder.js";
import { add, batches, drop, dropBatch, retry, retryBatch, singles, watch } from "@/upload/queue.js";

/** @typedef {import("@/upload/sending.js").Sending} Sending */

/** @type {WeakMap<Sending, {row: HTMLElement, state: HTMLElement, bar: HTMLProgressElement, actions: HTMLElement, stage: string}>} */
const rows = new WeakMap();
/** @type {WeakMap<import("@/upload/batch.js").Batch, BatchRow>} */
const groups = new WeakMap();
/** @type {WeakSet<object>} */
const announced = new WeakSet();
const EACH = 100; // ms between two drawings: three hundred files tell of every piece
let waiting = 0;

watch(() => {
  waiting ||= window.setTimeout(drawAll, EACH);
});

function drawAll() {
  waiting = 0;
  document.querySelectorAll("[data-upload]").forEach((zone) => draw(/** @type {HTMLElement} */ (zone)));
}

/** @param {HTMLElement} zone */
export function startZone(zone) {
  if (zone.dataset.uploadStarted) return;
  zone.dataset.uploadStarted = "yes";
  const url = zone.dataset.upload ?? "";
  const largest = Number(zone.dataset.uploadLargest);
  const input = /** @type {HTMLInputElement} */ (zone.querySelector("[data-upload-input]"));
  const target = /** @type {HTMLElement} */ (zone.querySelector(".drop"));
  const lists = zone.dataset.uploadBeside ?? "";
  const take = () => {
    add(url, { files: [...(input.files ?? [])], beside: 0, name: "" }, largest);
    input.value = "";
  };
  input.addEventListener("change", take);
  if (input.files?.length) take(); // chosen before this script was there
  startFolder(zone, (found) => add(url, found, largest), lists);
  target.addEventListener("dragover", (event) => {
    event.preventDefault();
    target.classList.add("drop-over");
  });
  target.addEventListener("dragleave", () => target.classList.remove("drop-over"));
  target.addEventListener("drop", async (event) => {
    event.preventDefault();
    target.classList.remove("drop-over");
    const found = await fromDrop(event.dataTransfer, lists);
    sayEmpty(zone, found);
    add(url, found, largest);
  });
  draw(zone);
}

/** The button for browsers that choose folders; phones do not. @param {HTMLElement} zone @param {(found: import("@/upload/folder.js").Found) => void} taken @param {string} lists */
function startFolder(zone, taken, lists) {
  const button = /** @type {HTMLElement | null} */ (zone.querySelector("[data-upload-folder]"));
  const input = /** @type {HTMLInputElement | null} */ (zone.querySelector("[data-upload-folder-input]"));
  if (!button || !input) return;
  button.hidden = !("webkitdirectory" in input) || matchMedia("(pointer: coarse)").matches;
  button.addEventListener("click", () => input.click());
  const take = async () => {
    if (!input.files?.length) return; // a large folder is still being read: emptying the field now would end that
    const files = [...input.files];
    input.value = "";
    const found = await fromInput(files, lists);
    sayEmpty(zone, found);
    taken(found);
  };
  input.addEventListener("change", take);
  take();
}

/** A folder without anything to send says so. @param {HTMLElement} zone @param {import("@/upload/folder.js").Found} found */
function sayEmpty(zone, found) {
  const said = zone.querySelector("[data-upload-beside-said]");
  const empty = interpolate(gettext("There is no image in %(name)s."), { name: found.name }, true);
  if (said) said.textContent = found.files.length || !found.name ? "" : [empty, lostWords(found.index)].filter(Boolean).join(" ");
}

/** @param {HTMLElement} zone */
function draw(zone) {
  const list = /** @type {HTMLElement} */ (zone.querySelector("[data-upload-files]"));
  const url = zone.dataset.upload ?? "";
  const all = singles(url);
  const many = batches(url).map(groupOf);
  const wanted = [...many.map((group) => group.row), ...all.map((sending) => rowOf(sending).row)];
  list.hidden = wanted.length === 0;
  if (wanted.length !== list.children.length || wanted.some((row, index) => list.children[index] !== row)) list.replaceChildren(...wanted);
  for (const sending of all) {
    update(sending);
    if (sending.isOver && !announced.has(sending)) announce(zone, sending);
  }
  for (const group of many) {
    group.update();
    if (group.batch.isOver && !announced.has(group.batch)) announceBatch(zone, group);
  }
}

/** @param {import("@/upload/batch.js").Batch} batch */
function groupOf(batch) {
  const made = groups.get(batch) ?? new BatchRow(batch, { retry: again, drop: dropBatch });
  groups.set(batch, made);
  return made;
}

/** @param {import("@/upload/batch.js").Batch} batch */
function again(batch) {
  announced.delete(batch);
  retryBatch(batch);
}

/** @param {HTMLElement} zone @param {BatchRow} group */
function announceBatch(zone, group) {
  announced.add(group.batch);
  say(zone, group.state.textContent ?? "");
  // What the server refused is in the list of images from now on.
  if (!group.batch.index?.lost && group.batch.sendings.every((sending) => sending.stage === "stored" || sending.image)) setTimeout(() => dropBatch(group.batch), 8000);
}

/** @param {HTMLElement} zone @param {string} words */
function say(zone, words) {
  const said = zone.querySelector("[data-upload-said]");
  if (said) said.textContent = words;
  document.body.dispatchEvent(new CustomEvent("images"));
}

/** @param {HTMLElement} zone @param {Sending} sending */
function announce(zone, sending) {
  announced.add(sending);
  say(zone, `${sending.file.name}: ${sending.words}`);
  // The list of images shows what is stored, and what the server refused, from now on.
  if (sending.stage === "stored" || (sending.stage === "refused" && sending.image)) setTimeout(() => drop(sending), 8000);
}

/** @param {Sending} sending */
function rowOf(sending) {
  const known = rows.get(sending);
  if (known) return known;
  const state = element("div", { class: "file-state" });
  const bar = /** @type {HTMLProgressElement} */ (element("progress", { class: "progress", max: "100", value: "0", "aria-label": sending.file.name }));
  const name = element("div", { class: "file-name truncate" }, sending.file.name);
  const actions = element("div", { class: "row row-nowrap" });
  const row = element("li", { class: "file", "data-upload-name": sending.file.name }, element("span", { class: "file-picture" }, icon("file-image")), element("div", {}, name, state, bar), actions);
  const made = { row, state, bar, actions, stage: "" };
  rows.set(sending, made);
  return made;
}

/** @param {Sending} sending */
function update(sending) {
  const made = rowOf(sending);
  const percent = sending.file.size ? Math.floor((sending.done * 100) / sending.file.size) : 100;
  made.bar.value = percent;
  made.bar.hidden = sending.isOver;
  made.state.textContent = words(sending, percent);
  if (made.stage === sending.stage) return;
  made.stage = sending.stage;
  made.row.dataset.uploadStage = sending.stage;
  made.row.classList.toggle("file-failed", sending.stage === "refused" || sending.stage === "failed");
  made.actions.replaceChildren(...buttons(sending));
}

/** @param {Sending} sending @param {number} percent */
function words(sending, percent) {
  if (sending.stage === "waiting") return gettext("Waiting for its turn");
  if (sending.stage === "checking") return interpolate(gettext("Computing the checksum, %(percent)s%"), { percent }, true);
  if (sending.stage === "sending") return sending.words || interpolate(gettext("Not yet uploaded: %(percent)s% sent"), { percent }, true);
  return sending.words;
}

/** @param {Sending} sending */
function buttons(sending) {
  const made = [];
  if (sending.stage === "failed") made.push(button(gettext("Try again"), () => retry(sending)));
  if (sending.stage === "refused" || sending.stage === "stored") made.push(button(gettext("Close"), () => drop(sending)));
  else made.push(button(gettext("Cancel"), () => drop(sending)));
  return made;
}

/** @param {string} label @param {() => void} act */
function button(label, act) {
  const made = element("button", { type: "button", class: "button button-small" }, label);
  made.addEventListener("click", act);
  return made;
}
