// Against the real server: `aig-logs serve`, named by AIG_LOGS_BIN.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import * as client from "aig-events";
import { leftOut, serve } from "./support/serve.js";
import { file, types } from "../scripts/openapi.js";

const options = { skip: leftOut };
const user = { login: "ada", email: "ada@example.com", name: "Ada" };
let server;
before(async () => {
  if (!leftOut) server = await serve();
});
after(() => server?.end());

/** A target of an org of its own, which no other test sees. */
function target(org) {
  return { url: server.url, key: server.key("ingest,query", org) };
}

/** What the server counts of an org by these fields. */
async function counted(to, groupBy, metrics = ["count"]) {
  await new client.EventBatcher(to).flush();
  const { rows } = await client.queryAnalytics(to, { start: "-1d", end: "now", groupBy, metrics });
  return rows;
}

test("the types are made from what the server serves", options, async () => {
  assert.equal(readFileSync(file, "utf8"), await types(), "out of date: npm run openapi --workspace clients/js");
});

test("the stream functions leave the events of the seed", options, async () => {
  const to = target("streams");
  const request = new Request("https://mcp.example/", {
    headers: { "cf-connecting-ip": "203.0.113.42", "user-agent": "Claude-Desktop/1.0" },
  });
  await client.streamOAuthStart(to, "client-1", "read");
  await client.streamAuthSuccess(to, user, "github", request);
  await client.streamAuthSuccess(to, user, "ssh", request);
  await client.streamAuthFailure(to, "github", "the code is expired", request);
  await client.streamOAuthComplete(to, user, "client-1");
  await client.streamTokenIssued(to, user, "client-1", "read");
  await client.streamToolInvoked(to, user, "generateImage");
  await client.streamToolSuccess(to, user, "generateImage", 1250);
  await client.streamToolFailure(to, user, "generateImage", "no image");
  await client.streamAuthLogout(to, user);
  await client.streamEvent(to, {
    user_id: user,
    event_name: client.EventType.TOOL_INVOKED,
    metadata: { tool_name: "myTool", custom_data: "value" },
  });
  const rows = await counted(to, ["name", "user", "subject", "success"], ["count", "avg"]);
  const row = (name, who, subject, success, avg = null) => ({ name, user: who, subject, success, count: 1, avg });
  assert.deepEqual(rows, [
    row("auth_github_failure", null, null, false),
    row("auth_github_success", "ada", null, true),
    row("auth_logout", "ada", null, null),
    row("auth_ssh_success", "ada", null, true),
    row("oauth_authorize_complete", "ada", null, null),
    row("oauth_authorize_start", "client-1", null, null),
    row("oauth_token_issued", "ada", null, null),
    row("tool_failure", "ada", "generateImage", false),
    row("tool_invoked", "ada", "generateImage", null),
    row("tool_invoked", "ada", "myTool", null),
    row("tool_success", "ada", "generateImage", true, 1250),
  ]);
  const details = await counted(to, [
    "metadata.ip_address",
    "metadata.user_agent",
    "metadata.auth_method",
    "metadata.user_email",
    "metadata.scope",
  ]);
  const detail = (count, ...values) => [...values, count];
  assert.deepEqual(
    details.map(Object.values).sort(),
    [
      detail(1, "203.0.113.42", "Claude-Desktop/1.0", "github", null, null),
      detail(1, "203.0.113.42", "Claude-Desktop/1.0", "github", "ada@example.com", null),
      detail(1, "203.0.113.42", "Claude-Desktop/1.0", "ssh", "ada@example.com", null),
      detail(1, null, null, null, "ada@example.com", "read"),
      detail(1, null, null, null, null, "read"),
      detail(6, null, null, null, "ada@example.com", null),
    ].sort(),
  );
});

test("every event type has the name that the server knows", options, async () => {
  const to = target("names");
  for (const event_name of Object.values(client.EventType)) await client.streamEvent(to, { event_name, user_id: user });
  const rows = await counted(to, ["name"]);
  assert.equal(rows.length, 13);
});

test("the trackers leave what points of Analytics Engine would", options, async () => {
  const to = target("trackers");
  const env = { AIG_EVENTS_URL: to.url, AIG_EVENTS_KEY: to.key };
  const request = new Request("https://api.example/users?token=private", { headers: { "cf-ray": "ray-1" } });
  await client.trackRequest(env, request, new Response("", { status: 404 }), 12.5);
  await client.trackProjectCost(env, "shop", "ai", 1.5);
  await client.trackAIUsage(env, "gpt", 840, 0.02);
  await client.trackError(env, "Timeout", "no answer in 10 s", "/users");
  await client.trackUserEvent(env, "click", "u1");
  await client.trackResource(env, "cpu", "shop", 12, "seconds");
  await client.trackQueue(env, "orders", 3, 40);
  await client.trackQuery(env, "users by id", 4, 1);
  const metrics = ["count", "cost", "quantity", "avg"];
  const rows = await counted(to, ["name", "subject", "user", "success", "status", "sku", "unit"], metrics);
  assert.deepEqual(
    rows.map((row) => JSON.stringify(Object.values(row))),
    [
      ["ai.usage", "gpt", null, null, null, null, "tokens", 1, 0.02, 840, null],
      ["api.request", "GET /users", null, false, 404, null, null, 1, 0, 0, 12.5],
      ["db.query", "users by id", null, null, null, null, null, 1, 0, 0, 4],
      ["error", "Timeout", null, false, null, null, null, 1, 0, 0, null],
      ["project.cost", "shop", null, null, null, null, null, 1, 1.5, 0, null],
      ["queue.batch", "orders", null, true, null, null, null, 1, 0, 0, 40],
      ["resource.used", "cpu", null, null, null, "cpu", "seconds", 1, 0, 12, null],
      ["user.event", "click", "u1", null, null, null, null, 1, 0, 0, null],
    ].map((values) => JSON.stringify(values)),
  );
  const [ray] = (await counted(to, ["metadata.ray", "metadata.path"])).filter((row) => row["metadata.ray"]);
  assert.deepEqual(ray, { "metadata.ray": "ray-1", "metadata.path": "/users", count: 1 });
});

test("every kind of text arrives, in batches that the server takes", options, async () => {
  const to = target("texts");
  const texts = ["", "ü", "\u0000", "\ud800", "\u2028", '"', "\\", "x".repeat(20_000)];
  const batcher = new client.EventBatcher(to, { batchSize: Infinity });
  for (let n = 0; n < 1_200; n += 1) batcher.add({ event: "text", properties: { n, text: texts[n % texts.length] } });
  await batcher.flush();
  assert.equal(batcher.size, 0);
  assert.deepEqual(await counted(to, ["name"]), [{ name: "text", count: 1_200 }]);
});

test("what the server refuses is told with the server's sentence", options, async () => {
  const to = target("refusals");
  const dropped = [];
  const batcher = new client.EventBatcher(to, { onDrop: (event, reason) => dropped.push([event.n, reason]) });
  const now = new Date().toISOString();
  const events = [
    { event: "good" },
    { n: 1 },
    { n: 2, event: "e", id: "mine" },
    { n: 3, event: "e", text: "x".repeat(33 << 10) },
    { n: 4, event: "e", org: "other" },
    { n: 5, event: "e", id: "x".repeat(129), timestamp: now },
  ];
  for (const event of events) batcher.add(event);
  await batcher.flush();
  assert.deepEqual(
    dropped.map(([n]) => n),
    [1, 2, 3, 4, 5],
  );
  for (const [index, part] of ["no name", "time", "32 KiB", "org", "128 bytes"].entries())
    assert.match(dropped[index][1], new RegExp(part));
  assert.deepEqual(await counted(to, ["name"]), [{ name: "good", count: 1 }]);
  // All of a batch, of other orgs: the status is 403.
  await assert.rejects(client.ingestEvent(to, { event: "e", org: "other" }, { throws: true, onDrop() {} }), /org/);
});

test("a server that is killed and comes back has each event once", options, async () => {
  let away = await serve();
  const { port } = new URL(away.url);
  const to = { url: away.url, key: away.key() };
  const quick = {
    now: () => Date.now() * 20,
    random: Math.random,
    setTimeout: (act, ms) => setTimeout(act, ms / 20),
    clearTimeout,
  };
  const batcher = new client.EventBatcher(to, { host: quick, batchSize: 7, patience: 600_000, onRetry() {} });
  const count = 200;
  for (let n = 0; n < count; n += 1) {
    batcher.add({ event: "e", n, timestamp: new Date().toISOString() });
    if (n % 60 === 30) {
      await away.kill();
      away = await serve({ port, folder: away.folder });
    }
    if (n % 10 === 0) await new Promise((done) => setTimeout(done, 2));
  }
  await batcher.flush();
  const rows = await counted(to, ["name"]);
  await away.end();
  assert.deepEqual([rows, batcher.size], [[{ name: "e", count }], 0]);
});

test("an unknown key keeps the events, and a question says so", options, async (t) => {
  t.mock.method(console, "warn", () => {});
  const to = { url: server.url, key: "aig_unknown" };
  const batcher = new client.EventBatcher(to, { patience: 0 });
  batcher.add({ event: "a" });
  await batcher.flush();
  assert.equal(batcher.size, 1);
  await assert.rejects(client.queryAnalytics(to, { start: "-1d", end: "now" }), { name: "EventsError", status: 401 });
  await assert.rejects(client.queryAnalytics(target("q"), { start: "never", end: "now" }), {
    status: 400,
    field: "start",
  });
});

test("the other questions are answered by their paths", options, async () => {
  const to = target("questions");
  const env = { AIG_EVENTS_URL: to.url, AIG_EVENTS_KEY: to.key };
  await client.trackError(env, "Timeout", "m", "/");
  await client.trackResource(env, "api-calls", "shop", 3, "requests");
  await new client.EventBatcher(to).flush();
  const range = { start: "-1d", end: "now" };
  const [failure] = (await client.queryAnalytics(to, range, "/metrics/errors")).rows;
  assert.deepEqual([failure.name, failure.error, failure.count], ["error", "m", 1]);
  const [usage] = (await client.queryAnalytics(to, range, "/billing/usage")).rows;
  assert.deepEqual([usage.sku, usage.quantity], ["api-calls", 3]);
  const cohorts = await client.queryAnalytics(to, { ...range, period: "day" }, "/metrics/cohorts");
  assert.deepEqual(cohorts.rows, []);
});

test("what the README sends and asks works as it stands", options, async () => {
  const to = target("readme");
  const blocks = [...readFileSync(new URL("../README.md", import.meta.url), "utf8").matchAll(/```js\n([^]*?)```/g)];
  const run = blocks.map(([, code]) => code).filter((code) => code.includes("http://localhost:8790"));
  assert.equal(run.length, 2);
  process.env.AIG_EVENTS_KEY = to.key;
  for (const [index, code] of run.entries()) {
    const file = new URL(`../dist/readme-${index}.mjs`, import.meta.url);
    writeFileSync(file, code.replace("http://localhost:8790", to.url));
    await import(file);
    rmSync(file);
  }
  assert.deepEqual(await counted(to, ["name"]), [
    { name: "api.request", count: 1_000 },
    { name: "signup", count: 1 },
  ]);
});
