// @ts-check
/** The files of chosen or dropped folders, and which of them only lie beside the images. Sends nothing. */
import { checked } from "@/upload/disc.js";

/** @typedef {{file: File, path: string}} Placed */
/** @typedef {{files: File[], beside: number, name: string, index?: import("@/upload/disc.js").Index | null}} Found `name` of the folder, "" when there was none */

/** Chosen with a folder button. @param {Iterable<File>} files @param {string} lists @returns {Promise<Found>} */
export function fromInput(files, lists) {
  const all = [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  return sorted(all, (all[0]?.file.webkitRelativePath ?? "").split("/")[0] ?? "", lists);
}

/** @param {Placed[]} all @param {string} name @param {string} lists @returns {Promise<Found>} */
async function sorted(all, name, lists) {
  const kept = all.filter(({ path }) => !liesBeside(path, lists));
  const indexes = all.filter(({ path }) => path.toLowerCase().endsWith("/dicomdir"));
  const index = await checked(indexes, all.map(({ path }) => path)).catch(() => null);
  return { files: kept.map(({ file }) => file), beside: all.length - kept.length, name, index };
}

/**
 * What was dropped: single files as they are, folders with all that is in them.
 * @param {DataTransfer | null} transfer @param {string} lists @returns {Promise<Found>}
 */
export async function fromDrop(transfer, lists) {
  // Entries must be asked for before anything is awaited: the list is emptied then.
  const entries = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null && entry !== undefined);
  if (!entries.some((entry) => entry.isDirectory)) return { files: [...(transfer?.files ?? [])], beside: 0, name: "" };
  /** @type {Placed[]} */
  const all = [];
  for (const entry of entries) await walk(entry, all);
  return sorted(all, entries.find((entry) => entry.isDirectory)?.name ?? "", lists);
}

/** @param {FileSystemEntry} entry @param {Placed[]} all @returns {Promise<void>} */
async function walk(entry, all) {
  if (entry.isDirectory) {
    for (const each of await inside(/** @type {FileSystemDirectoryEntry} */ (entry))) await walk(each, all);
  } else all.push({ file: await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)), path: entry.fullPath });
}

/** A reader gives at most a hundred at a time. @param {FileSystemDirectoryEntry} folder @returns {Promise<FileSystemEntry[]>} */
async function inside(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

/** The rule of imaging/raster/beside.py. @param {string} path @param {string} lists names | endings | folders, each by "/" */
export function liesBeside(path, lists) {
  const [names = [], endings = [], closed = []] = lists.split("|").map((part) => part.split("/"));
  const folders = path.toLowerCase().split("/");
  const name = folders.pop() ?? "";
  if (folders.some((folder) => closed.includes(folder)) || name.startsWith("._") || names.includes(name)) return true;
  const dot = name.lastIndexOf(".");
  return dot >= 0 && endings.includes(name.slice(dot + 1)) && (dot > 0 || name === ".db");
}
