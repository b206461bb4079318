// Builds static/vendor from node_modules: one icon sprite and the third-party browser code. Needs no network.
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const modules = "../node_modules/";
const vendor = "vendor/";

const COPIES = {
  "htmx.org/dist/htmx.min.js": "htmx.min.js",
  "signature_pad/dist/signature_pad.min.js": "signature_pad.js",
  "axe-core/axe.min.js": "axe.min.js",
};
const OPTIONAL = new Set(["axe.min.js"]); // only the tests need it: `npm ci --omit=dev` leaves it out

async function icons() {
  const names = (await readFile(here("icons/names.txt"), "utf8")).split("\n").filter(Boolean);
  const symbols = await Promise.all(
    names.map(async (name) => {
      const svg = await readFile(here(`${modules}lucide-static/icons/${name}.svg`), "utf8").catch(() => {
        throw new Error(`static/icons/names.txt: lucide-static has no icon "${name}"`);
      });
      const shapes = svg.replace(/<!--[\s\S]*?-->/g, "").match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1];
      return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s+/g, " ").trim()}</symbol>`;
    }),
  );
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n`;
  await writeFile(here(`${vendor}icons.svg`), sprite);
  return names.length;
}

async function copies() {
  for (const [from, to] of Object.entries(COPIES)) {
    await copyFile(here(modules + from), here(vendor + to)).catch((error) => {
      if (!OPTIONAL.has(to)) throw error;
    });
  }
}

// tus-js-client's browser build sets window.tus; the last line makes it importable.
async function tus() {
  const source = await readFile(here(`${modules}tus-js-client/dist/tus.min.js`), "utf8");
  const code = source.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "");
  await writeFile(here(`${vendor}tus.js`), `${code}\nexport const { Upload, isSupported } = globalThis.tus;\n`);
}

// Cutting volumes (static/js/volume): fetched by who opens one, by nobody else. vtk.js brings readers of XML files with it; none are read here.
async function cornerstone() {
  const contents = 'export { cache, Enums, init, RenderingEngine, volumeLoader } from "@cornerstonejs/core";';
  const unread = {
    name: "unread",
    setup(made) {
      made.onResolve({ filter: /^xmlbuilder2$/ }, ({ path }) => ({ path, namespace: "unread" }));
      made.onLoad({ filter: /.*/, namespace: "unread" }, () => ({ contents: "export const create = null, convert = null;" }));
    },
  };
  await build({
    stdin: { contents, resolveDir: here("..") }, outfile: here(`${vendor}cornerstone.js`), plugins: [unread],
    bundle: true, format: "esm", minify: true, target: "es2022", logLevel: "error",
  });
}

// Tiles of whole slides (static/js/slides): fetched by who opens one, by nobody else.
async function openseadragon() {
  await build({
    entryPoints: [here(`${modules}openseadragon/build/openseadragon/openseadragon.js`)], outfile: here(`${vendor}openseadragon.js`),
    bundle: true, format: "esm", minify: true, target: "es2022", logLevel: "error",
  });
}

// The static server sends these to browsers that take them.
async function compress() {
  const names = (await readdir(here(vendor))).filter((name) => /\.(js|svg)$/.test(name));
  for (const name of names) {
    const plain = await readFile(here(vendor + name));
    await writeFile(here(`${vendor}${name}.br`), brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: plain.length > 1e6 ? 9 : 11 } }));
    await writeFile(here(`${vendor}${name}.gz`), gzipSync(plain, { level: 9 }));
  }
}

await mkdir(here(vendor), { recursive: true });
const [count] = await Promise.all([icons(), copies(), tus(), cornerstone(), openseadragon()]);
await compress();
console.log(`static/vendor: ${count} icons, htmx, tus, signature_pad, cornerstone, openseadragon`);
