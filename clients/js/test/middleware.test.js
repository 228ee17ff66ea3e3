import assert from "node:assert/strict";
import { test } from "node:test";
import {
  middleware,
  queryAnalytics,
  trackAIUsage,
  trackError,
  trackProjectCost,
  trackRequest,
  trackResource,
  trackUserEvent,
  withEvents,
} from "aig-events";
import { Hono } from "hono";
import { settled, World } from "./support/world.js";

/** A context that tells what a Worker is kept alive for. */
function context() {
  const lasting = [];
  return { lasting, waitUntil: (promise) => lasting.push(promise), passThroughOnException() {} };
}

test("a handler that fails is recorded, and fails as before", async () => {
  const world = new World();
  const ctx = context();
  const oops = () => {
    throw new Error("oops");
  };
  const batch = { queue: "orders", messages: [1, 2] };
  const worker = withEvents({ fetch: oops, queue: oops, scheduled: oops }, { ...world.options, to: world.to });
  await assert.rejects(worker.fetch(new Request("https://a.example/x?q=private", { method: "PUT" }), {}, ctx), /oops/);
  await assert.rejects(worker.queue(batch, {}, ctx), /oops/);
  await assert.rejects(worker.scheduled({ cron: "* * * * *" }, {}, ctx), /oops/);
  assert.equal(ctx.lasting.length, 6, "each event, and what else waits, keeps the request alive");
  await world.until(Promise.all(ctx.lasting));
  assert.deepEqual(
    [...world.receiver.kept.values()].map(({ id, timestamp, ...event }) => event),
    [
      {
        event: "api.request",
        properties: { method: "PUT", path: "/x", environment: "production" },
        performance: { duration: 0, statusCode: 500 },
      },
      {
        event: "queue.batch",
        subject: "orders",
        success: false,
        performance: { duration: 0 },
        properties: { messages: 2 },
      },
      { event: "cron.run", subject: "* * * * *", success: false, performance: { duration: 0 } },
    ],
  );
});

test("middleware passes a failure on", async () => {
  const world = new World();
  const c = { req: { raw: new Request("https://a.example/") }, env: {}, get() {} };
  await assert.rejects(
    middleware({ ...world.options, to: world.to })(c, () => Promise.reject(new Error("oops"))),
    /oops/,
  );
  await world.pass(1_000);
  assert.deepEqual(world.kept("performance"), [{ duration: 0, statusCode: 500 }]);
});

test("a cron is recorded with its duration", async () => {
  const world = new World();
  const ctx = context();
  const worker = withEvents({ scheduled: async () => void (world.time += 1_500) }, { ...world.options, to: world.to });
  await worker.scheduled({ cron: "0 * * * *" }, {}, ctx);
  await world.until(Promise.all(ctx.lasting));
  const [{ event, subject, success, performance }] = world.receiver.kept.values();
  assert.deepEqual([event, subject, success, performance], ["cron.run", "0 * * * *", true, { duration: 1_500 }]);
});

test("the answer does not wait for events, even if the server is silent", async () => {
  const world = new World();
  world.receiver.fault = () => "silent";
  const ctx = context();
  const app = new Hono().use(middleware({ ...world.options, to: world.to })).get("/", (c) => c.text("hello"));
  const response = await app.request("/", {}, {}, ctx);
  assert.equal(await response.text(), "hello");
  await settled();
  assert.deepEqual([world.receiver.requests.length, world.time], [1, Date.parse("2026-11-30T12:00:00Z")]);
});

test("server away: requests succeed, and their events arrive later", async () => {
  const world = new World();
  world.receiver.fault = () => "lost";
  const ctx = context();
  const app = new Hono().use(middleware({ ...world.options, to: world.to })).get("/", (c) => c.text("hello"));
  for (let n = 0; n < 3; n += 1) assert.equal((await app.request("/", {}, {}, ctx)).status, 200);
  await world.pass(20_000);
  world.receiver.fault = () => undefined;
  await world.pass(60_000);
  assert.deepEqual(world.kept(), ["api.request", "api.request", "api.request"]);
});

test("without a binding, without a context, and with fields that throw, a request succeeds", async (t) => {
  const warned = t.mock.method(console, "warn", () => {});
  const fields = () => {
    throw new Error("oops");
  };
  const app = new Hono().use(middleware({ fields })).get("/", (c) => c.text("hello"));
  assert.equal(await (await app.request("/")).text(), "hello");
  const worker = withEvents({ fetch: () => new Response("hello") }, { fields });
  assert.equal(await (await worker.fetch(new Request("https://a.example/"), undefined, undefined)).text(), "hello");
  await settled();
  assert.deepEqual(
    warned.mock.calls.map(({ arguments: [text] }) => text.includes("no binding") || text.includes("oops")),
    [true, true, true, true],
  );
});

test("middleware records what the application set, and the browser's name only if asked", async () => {
  const world = new World();
  const app = new Hono();
  app.use(middleware({ ...world.options, to: world.to, fields: () => ({ sessionId: "s" }) }));
  app.get(
    "/",
    (c) => (c.set("userId", "ada"), c.set("organizationId", "acme"), c.text("hello", 201, { "content-length": "5" })),
  );
  await app.request(
    "/?secret=1",
    { headers: { "user-agent": "a browser", "cf-ray": "ray-1" } },
    { ENVIRONMENT: "test" },
  );
  await world.pass(1_000);
  const [{ id, timestamp, ...event }] = world.receiver.kept.values();
  assert.deepEqual(event, {
    event: "api.request",
    properties: { method: "GET", path: "/", ray: "ray-1", environment: "test", bytes: 5 },
    performance: { duration: 0, statusCode: 201 },
    userId: "ada",
    organizationId: "acme",
    sessionId: "s",
  });
});

test("trackers of a request, a cost, a model, an error, a user and a resource do not wait, and send each event once", async () => {
  const world = new World();
  world.receiver.fault = (request) => (request === 0 ? "kept and lost" : undefined);
  const env = { ANALYTICS_INGESTION: undefined, AIG_EVENTS_URL: world.to.url, AIG_EVENTS_KEY: world.to.key };
  const original = globalThis.fetch;
  globalThis.fetch = world.to.fetch;
  try {
    const request = new Request("https://a.example/users?token=1", { headers: { "cf-ray": "ray-1" } });
    await trackRequest(env, request, new Response("", { status: 503 }), 3, world.options);
    await trackProjectCost(env, "p", "time", 2, world.options);
    await trackAIUsage(env, "gpt", 10, undefined, world.options);
    await trackError(env, "T", "m", "/", world.options);
    await trackUserEvent(env, "click", "u", world.options);
    await trackResource(env, "cpu", "p", 1, "s", world.options);
    await world.pass(60_000);
  } finally {
    globalThis.fetch = original;
  }
  const events = [...world.receiver.kept.values()].map(({ id, timestamp, ...event }) => event);
  assert.deepEqual(events, [
    {
      event: "api.request",
      properties: { method: "GET", path: "/users", ray: "ray-1" },
      performance: { duration: 3, statusCode: 503 },
    },
    { event: "project.cost", cost: 2, properties: { project_id: "p", cost_type: "time" } },
    { event: "ai.usage", usage: { quantity: 10, unit: "tokens" }, properties: { model: "gpt" } },
    { event: "error", success: false, error: { message: "m" }, properties: { error_type: "T", path: "/" } },
    { event: "user.event", subject: "click", userId: "u" },
    { event: "resource.used", usage: { quantity: 1, unit: "s", sku: "cpu" }, properties: { project_id: "p" } },
  ]);
  assert.equal(world.receiver.duplicates, 1);
});

test("a question of three texts asks Analytics Engine in its own SQL", async (t) => {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (url, { method, headers, body }) => {
    asked.push([url, method, headers.authorization, body]);
    return Response.json({ data: [] });
  });
  assert.deepEqual(await queryAnalytics("account", "token", "SELECT 1"), { data: [] });
  assert.deepEqual(asked, [
    ["https://api.cloudflare.com/client/v4/accounts/account/analytics_engine/sql", "POST", "Bearer token", "SELECT 1"],
  ]);
});
