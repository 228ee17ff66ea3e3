// A server before the API: it serves the page that is built here, and lets answers through, perhaps changed, late, or not.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const BUILT = new URL("../../src/dashboard/built/", import.meta.url);

/** The headers of the page, as both servers read them. */
export function pageHeaders() {
  const lines = readFileSync(new URL("_headers", BUILT), "utf8").split("\n").filter((line) => line.startsWith("  "));
  return Object.fromEntries(lines.map((line) => line.trim().split(/: (.*)/s).slice(0, 2)));
}

/** Starts it. `change(path, answer, question)` may return another answer, a status, or a promise of one. */
export async function front(api, change = null) {
  const one = { change, asked: [] };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    if (request.method === "GET" && ["/", "/dashboard.html"].includes(pathname)) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...pageHeaders() });
      return response.end(readFileSync(new URL("dashboard.html", BUILT)));
    }
    try {
      await pass(one, api, request, response);
    } catch {
      response.destroy();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  one.address = `http://127.0.0.1:${server.address().port}`;
  one.close = () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  return one;
}

async function pass(one, api, request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  one.asked.push(request.url);
  const headers = { authorization: request.headers.authorization ?? "", "content-type": "application/json", accept: request.headers.accept ?? "" };
  const answer = await fetch(api + request.url, { method: request.method, headers, body: body.length ? body : undefined });
  const text = await answer.text();
  const question = body.length ? JSON.parse(body) : null;
  const changed = one.change && answer.ok ? await one.change(request.url, JSON.parse(text), question) : null;
  const status = typeof changed === "number" ? changed : answer.status;
  const said = typeof changed === "number" ? JSON.stringify({ status, title: "Failure", detail: "the store is away" }) : changed ? JSON.stringify(changed) : text;
  response.writeHead(status, { "content-type": answer.headers.get("content-type") ?? "application/json" });
  response.end(said);
}
