// @ts-check
/** The indexes of patients' discs, DICOMDIR (PS3.3 annex F): which files they name that a folder does not hold. */

/** @typedef {{files: number, lost: number, names: string[]}} Index */

const MOST = 64 * 1024 * 1024;
const SHOWN = 5; // of what is missing, by name
const TAG = [0x04, 0x00, 0x00, 0x15, 0x43, 0x53]; // (0004,1500) CS: an index is explicit little endian (PS3.10 section 8.6)

/**
 * Null where there is no index, or none that names a file. Case does not count: a disc's names are capitals, and systems change that.
 * @param {{file: File, path: string}[]} indexes @param {string[]} paths of all files of the folder, as those of the indexes
 * @returns {Promise<Index | null>}
 */
export async function checked(indexes, paths) {
  const here = new Set(paths.map((path) => path.toLowerCase()));
  /** @type {Index} */
  const found = { files: 0, lost: 0, names: [] };
  for (const { file, path } of indexes) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const named = file.size > MOST ? [] : namedIn(new Uint8Array(await file.arrayBuffer()));
    const lost = named.filter((name) => !here.has(`${folder}${name}`.toLowerCase()));
    found.files += named.length;
    found.lost += lost.length;
    found.names.push(...lost.slice(0, SHOWN - found.names.length));
  }
  return found.files ? found : null;
}

/** Referenced File IDs as paths. @param {Uint8Array} bytes @returns {string[]} */
function namedIn(bytes) {
  const all = [];
  const decoder = new TextDecoder("ascii");
  for (let at = bytes.indexOf(TAG[0] ?? 0); at >= 0 && at + 8 <= bytes.length; at = bytes.indexOf(TAG[0] ?? 0, at + 1)) {
    if (!TAG.every((byte, offset) => bytes[at + offset] === byte)) continue;
    const length = (bytes[at + 6] ?? 0) | ((bytes[at + 7] ?? 0) << 8);
    const text = decoder.decode(bytes.subarray(at + 8, at + 8 + length)).trim();
    if (text) all.push(text.split("\\").map((part) => part.trim()).join("/"));
  }
  return all;
}
