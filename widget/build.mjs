/**
 * Builds the widget into `consent/static/`: one minified classic script per entry, and `sizes.json`.
 *
 * The server fills the free identifiers CONSENT_* in; each must stand in its built file exactly once, or the
 * build fails. It fails, too, when a bundle outgrows its budget: size is a feature.
 */
import { brotliCompressSync, gzipSync } from "node:zlib";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const HERE = new URL("./", import.meta.url);
const OUT = new URL("../consent/static/", HERE);

const CORE_FILLS = ["CONSENT_BASE", "CONSENT_SITE", "CONSENT_COOKIE", "CONSENT_CSP", "CONSENT_EVERYTHING"];

/** Budgets in bytes: `raw` of the file with its placeholders filled in, `gzip` of the file as built. */
const ENTRIES = [
  { name: "core", raw: 2000, fills: CORE_FILLS },
  { name: "core.strict", source: "core", raw: 2000, fills: CORE_FILLS },
  { name: "core.hooks", source: "strict", raw: 4000, fills: ["CONSENT_CSP"] },
  { name: "bootstrap", gzip: 3500, fills: ["CONSENT_SETTINGS"] },
  { name: "banner", gzip: 3000, fills: ["CONSENT_BANNER"] },
  { name: "preferences", with: "later", gzip: 15000, fills: ["CONSENT_PREFERENCES", "CONSENT_DETAILS"] },
  { name: "choices", gzip: 9700, fills: ["CONSENT_CHOICES"] },
  { name: "telemetry", gzip: 3500, fills: [] },
];

/** What a real site fills into the core: three own domains, a dozen necessary hosts. */
const REALISTIC = {
  CONSENT_BASE: "https://consent.example.com",
  CONSENT_SITE: "example-shop",
  CONSENT_COOKIE: "consent",
  CONSENT_CSP: "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: consent.example.com example.com *.example.com "
    + "wss://example.com wss://*.example.com js.stripe.com checkout.stripe.com cdn.jsdelivr.net fonts.gstatic.com",
  CONSENT_EVERYTHING: false,
};

/** Browsers of the last four years. An older one fails to read the core and stays under the strict policy. */
const TARGET = ["chrome107", "edge107", "firefox106", "safari16"];

const VERSION = /^version = "(.+)"/m.exec(readFileSync(new URL("../pyproject.toml", HERE), "utf8"))?.[1] ?? "0";

/** Stylesheets arrive in the bundle as minified text. */
const stylesheets = {
  name: "stylesheets",
  setup(/** @type {import("esbuild").PluginBuild} */ plugin) {
    plugin.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true, target: TARGET });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

async function bundle(entry) {
  const sources = [entry.with, entry.source ?? entry.name].filter(Boolean);
  const result = await build({
    stdin: { contents: sources.map((name) => `import "./src/${name}.js";`).join("\n"), resolveDir: fileURLToPath(HERE) },
    define: { CONSENT_VERSION: JSON.stringify(VERSION), STRICT_VARIANT: String(entry.name === "core.strict") },
    bundle: true, write: false, minify: true, format: "iife", target: TARGET, charset: "utf8", legalComments: "none",
    tsconfigRaw: {}, plugins: [stylesheets], logLevel: "error",
  });
  return result.outputFiles[0].text.trim(); // the server puts the mark before it by which the core knows our scripts
}

/** The text the server would make of it; throws when a placeholder is not there exactly once. */
function fill(entry, text) {
  for (const name of entry.fills) {
    const found = text.split(name).length - 1;
    if (found !== 1) throw new Error(`${entry.name}.js holds ${name} ${found} times instead of once: assign it to a constant.`);
    text = text.replace(name, () => JSON.stringify(REALISTIC[name] ?? {}));
  }
  return text;
}

function measure(entry, text) {
  const filled = fill(entry, text);
  return { built: Buffer.byteLength(text), raw: Buffer.byteLength(filled), gzip: gzipSync(text, { level: 9 }).length,
    brotli: brotliCompressSync(text).length, budget: entry.raw ? `${entry.raw} raw` : `${entry.gzip} gzip`,
    over: entry.raw ? Buffer.byteLength(filled) > entry.raw : gzipSync(text, { level: 9 }).length > entry.gzip };
}

const sizes = {};
mkdirSync(OUT, { recursive: true });
for (const entry of ENTRIES) {
  const target = new URL(`${entry.name}.js`, OUT);
  if (!existsSync(new URL(`src/${entry.source ?? entry.name}.js`, HERE))) {
    rmSync(target, { force: true });
    console.warn(`src/${entry.name}.js is not there: ${entry.name}.js was not built.`);
    continue;
  }
  const text = await bundle(entry);
  sizes[entry.name] = measure(entry, text);
  writeFileSync(target, text);
}
writeFileSync(new URL("sizes.json", OUT), `${JSON.stringify(sizes, null, 2)}\n`);
console.table(sizes);

const over = Object.keys(sizes).filter((name) => sizes[name].over);
if (over.length) {
  console.error(`Over budget: ${over.join(", ")}. Make it smaller, or change the budget in build.mjs with a reason.`);
  process.exit(1);
}
