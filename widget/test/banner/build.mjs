// Bundles the layers and the stand-in store for the tests of the layers alone: node build.mjs OUTDIR
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const stylesheets = {
  name: "stylesheets",
  setup(plugin) {
    plugin.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};
await build({
  entryPoints: [here("../../src/banner.js"), here("../../src/preferences.js"), here("standin.js")],
  entryNames: "[name]", outdir: process.argv[2], bundle: true, minify: true, format: "iife", charset: "utf8",
  plugins: [stylesheets], logLevel: "error",
});
