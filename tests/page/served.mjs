// What the server sends, and whom the page talks to.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { pageHeaders } from "./front.mjs";
import { opened, test, world } from "./world.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("the built page is of these sources", () => {
  execFileSync(process.execPath, ["scripts/build-page.mjs", "--check"], { cwd: ROOT, stdio: "pipe" });
});

test("the program serves the page that is built, and what protects it", async () => {
  const { api } = await world();
  const built = readFileSync(`${ROOT}src/dashboard/built/dashboard.html`, "utf8");
  for (const path of ["/", "/dashboard.html"]) {
    const response = await fetch(api + path);
    assert.equal(response.status, 200);
    assert.ok((await response.text()) === built, `${path} is another page: build the program again`);
    for (const [name, value] of Object.entries(pageHeaders())) assert.equal(response.headers.get(name), value);
  }
});

test("nothing is said on the console, and nobody else is asked", async () => {
  const { key } = await world();
  const tab = await opened();
  assert.deepEqual(tab.complaints, []);
  const others = tab.requests.filter(({ url }) => !url.startsWith(`${tab.front.address}/`) && !url.startsWith("data:"));
  assert.deepEqual(others, []);
  assert.ok(tab.requests.length > 15, "the panels ask");
  // The fragment is no part of what is sent.
  assert.deepEqual(tab.requests.filter(({ url }) => url.includes(key)), []);
  assert.ok((await tab.value('document.querySelectorAll("canvas").length')) >= 6);
  await tab.close();
});

test("a policy of content is broken by nothing, and would stop what it forbids", async () => {
  const tab = await opened();
  const reports = await tab.value(`new Promise((resolve) => {
    const seen = [];
    addEventListener("securitypolicyviolation", ({ effectiveDirective }) => seen.push(effectiveDirective));
    const script = document.createElement("script");
    try { script.text = "window.ran = true"; document.body.append(script); } catch {}
    try { document.body.innerHTML += "<b>"; } catch {}
    fetch("http://127.0.0.1:9/").catch(() => {});
    setTimeout(() => resolve([seen.sort(), window.ran ?? false]), 200);
  })`);
  assert.deepEqual(reports, [["connect-src", "require-trusted-types-for", "require-trusted-types-for"], false]);
  await tab.close();
});
