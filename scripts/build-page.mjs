#!/usr/bin/env node
// build-page [--check]: makes src/dashboard/built/ of the sources beside it: the page in one file, and the headers that
// both servers send with it. With --check it writes nothing, and fails where something else stands there.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const SOURCE = join(ROOT, "src/dashboard");
const BUILT = join(SOURCE, "built");

/** Bytes, and bytes gzipped: more would be waited for. */
const LARGEST = 130_000;
const LARGEST_PACKED = 45_000;

const text = (...path) => readFileSync(join(...path), "utf8");

/** The licence of what is built in asks for its text in every copy. */
function licence() {
  const { version } = JSON.parse(text(ROOT, "node_modules/uplot/package.json"));
  return `<!--\nuPlot ${version} is built in:\n${text(ROOT, "node_modules/uplot/LICENSE").trim()}\n-->`;
}

/** uPlot as its makers minify it, which is smaller than what is made of its source here. It is a variable of its own. */
const UPLOT = "node_modules/uplot/dist/uPlot.iife.min.js";

const variable = {
  name: "uplot",
  setup(build) {
    build.onResolve({ filter: /^uplot$/ }, () => ({ path: "uplot", namespace: "variable" }));
    build.onLoad({ filter: /./, namespace: "variable" }, () => ({ contents: "export default uPlot" }));
  },
};

async function script() {
  const options = { entryPoints: [join(SOURCE, "main.js")], bundle: true, minify: true, format: "esm", target: "es2023", plugins: [variable] };
  const { outputFiles } = await build({ ...options, legalComments: "none", charset: "utf8", write: false, absWorkingDir: ROOT });
  return `${text(ROOT, UPLOT).trim()}\n${outputFiles[0].text.trim()}`;
}

async function style() {
  const whole = text(ROOT, "node_modules/uplot/dist/uPlot.min.css") + text(SOURCE, "style.css");
  const options = { stdin: { contents: whole, loader: "css" }, minify: true, legalComments: "none", charset: "utf8", write: false };
  const { outputFiles } = await build({ ...options, target: ["chrome123", "firefox128", "safari17.5"] });
  return outputFiles[0].text.trim();
}

const hash = (content) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;

/** The page may load nothing, and talk to nobody but the server that it comes from. */
function headers(script, style) {
  const policy = [
    "default-src 'none'", `script-src ${hash(script)}`, `style-src ${hash(style)}`, "connect-src 'self'", "img-src data:",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
  ];
  const all = [
    ["content-security-policy", policy.join("; ")],
    ["x-content-type-options", "nosniff"],
    ["referrer-policy", "no-referrer"],
    ["cross-origin-opener-policy", "same-origin"],
    ["cross-origin-resource-policy", "same-origin"],
    ["permissions-policy", "camera=(), geolocation=(), microphone=()"],
  ];
  return ["/dashboard.html", ...all.map(([name, value]) => `  ${name}: ${value}`), ""].join("\n");
}

async function main() {
  const [code, css] = [await script(), await style()];
  if (code.includes("</script") || css.includes("</style")) throw new Error("The end of an element stands inside it.");
  const put = { "/*STYLE*/": () => css, "/*SCRIPT*/": () => code };
  const page = Object.entries(put).reduce((page, [mark, value]) => page.replace(mark, value), text(SOURCE, "index.html"));
  const whole = page.replace("<html", () => `${licence()}\n<html`);
  const files = { "dashboard.html": whole, _headers: headers(code, css) };
  const sizes = { bytes: Buffer.byteLength(whole), gzipped: gzipSync(whole, { level: 9 }).length };
  console.log(`The page: ${sizes.bytes} bytes, ${sizes.gzipped} gzipped`);
  if (sizes.bytes > LARGEST || sizes.gzipped > LARGEST_PACKED) throw new Error(`At most ${LARGEST}, ${LARGEST_PACKED} gzipped.`);
  mkdirSync(BUILT, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(BUILT, name);
    if (!process.argv.includes("--check")) writeFileSync(path, content);
    else if (text(path) !== content) throw new Error(`${path} is not of these sources: run node scripts/build-page.mjs`);
  }
}

await main();
