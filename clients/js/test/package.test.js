import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const folder = new URL("../", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), "utf8");

/** Bytes of the whole library, gzipped, as an application would load it. */
const LARGEST = 6 * 1024;

test("the library is small, and has no dependency", async () => {
  for (const entry of ["dist/index.js", "dist/workers.js"]) {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL(entry, folder))],
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
      external: ["cloudflare:*"],
    });
    const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
    assert.ok(size <= LARGEST, `${entry}: ${size} bytes`);
  }
  assert.equal(JSON.parse(read("package.json")).dependencies, undefined);
});

test("a browser can load it", async () => {
  // Nothing of Node or Cloudflare is imported, and nothing happens when it is loaded.
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("dist/index.js", folder))],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  assert.doesNotMatch(outputFiles[0].text, /^import|process\.|Buffer|cloudflare:/m);
});

test("every function that the README names is there", async () => {
  const client = await import("aig-events");
  const imported = [...read("README.md").matchAll(/import \{([^}]*)\} from "aig-events"/g)].flatMap(([, names]) =>
    names.split(","),
  );
  const named = imported.map((name) => name.trim()).filter((name) => name && !name.startsWith("type "));
  assert.ok(named.length > 5);
  assert.deepEqual(
    named.filter((name) => !(name in client)),
    [],
  );
});

test("files are short", () => {
  const files = ["src", "test", "test/support"].flatMap((name) =>
    readdirSync(new URL(name, folder))
      .filter((file) => /\.(ts|js)$/.test(file))
      .map((file) => `${name}/${file}`),
  );
  const long = files.filter((file) => file !== "src/openapi.ts" && read(file).split("\n").length > 300);
  assert.deepEqual(long, []);
});
