// The examples in the Workers runtime, over service bindings to the built Worker of events.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN, leftOut, run } from "./support/workerd.js";

const options = { skip: leftOut };

const WORKERS = {
  mcp: "mcp-server",
  platform: "platform",
  hono: "hono",
  worker: "worker",
  startup: "startup",
  batch: { main: "clients/js/test/workers/batch.js", bindings: ["EVENTS", "UU_STREAM"] },
  kept: { main: "clients/js/test/workers/kept.js", bindings: ["EVENTS"] },
  told: { main: "clients/js/test/workers/told.js", bindings: ["EVENTS"] },
  stream: {
    main: "clients/js/test/workers/stream.js",
    bindings: [],
    services: [{ binding: "EVENTS", service: "events-targets" }],
  },
  targets: {
    main: "clients/js/test/workers/targets.js",
    bindings: ["EVENTS"],
    services: [{ binding: "STREAM", service: "stream" }],
  },
};

let runtime;
before(async () => {
  if (!leftOut) runtime = await run(WORKERS);
});
after(async () => {
  if (!runtime) return;
  await runtime.end();
  assert.doesNotMatch(runtime.said.text, new RegExp(ADMIN));
});

/** A Worker whose events have tables. */
async function worker(name) {
  const running = runtime.worker(name);
  await running.makeTables();
  return running;
}

test("the MCP server of the seed leaves its rows", options, async () => {
  const world = await worker("mcp");
  const headers = { "cf-connecting-ip": "203.0.113.42", "user-agent": "Claude-Desktop/1.0" };
  for (const path of ["/sign-in", "/sign-in-fails", "/tool?prompt=cat", "/tool", "/custom", "/batch"]) {
    await world.ask(path, { headers });
  }
  const rows = await world.wait(
    23,
    "SELECT name, user_id, subject, success, error FROM events_raw ORDER BY name, user_id, subject, id",
  );
  const custom = rows.filter(({ user_id }) => user_id !== "batch");
  assert.deepEqual(custom.map(Object.values), [
    ["auth_github_failure", null, null, 0, "the code is expired"],
    ["auth_github_success", "jane.smith", null, 1, null],
    ["oauth_authorize_complete", "jane.smith", null, null, null],
    ["oauth_authorize_start", "claude-desktop", null, null, null],
    ["oauth_token_issued", "jane.smith", null, null, null],
    ["tool_failure", "jane.smith", "generateImage", 0, "there is no prompt"],
    ["tool_invoked", "jane.smith", "generateImage", null, null],
    ["tool_invoked", "jane.smith", "generateImage", null, null],
    ["tool_invoked", "user", "myTool", null, null],
    ["tool_success", "jane.smith", "generateImage", 1, null],
  ]);
  assert.equal(rows.length - custom.length, 13);
});

test("a batch is flushed when the request ends", options, async () => {
  const world = await worker("batch");
  await world.ask("/");
  const rows = await world.wait(4, "SELECT name FROM events_raw ORDER BY name", 10_000);
  assert.deepEqual(
    rows.map(({ name }) => name),
    ["api.request", "batched", "batched", "batched"],
  );
});

test("the middleware records method, path, status and duration", options, async () => {
  const world = await worker("platform");
  const headers = { "user-agent": "a browser" };
  await world.ask("/api/users?token=private", { headers });
  await world.ask("/api/fails", { headers });
  await world.ask("/api/tokens", { method: "POST", headers });
  await world.ask("/by-hand/users", { headers });
  const rows = await world.wait(
    6,
    `SELECT org, name, user_id, session_id, subject, status_code, success, duration >= 0 AS timed,
    quantity, sku, json_extract(metadata, '$.bytes') AS bytes, json_extract(metadata, '$.user_agent') AS agent,
    json_extract(metadata, '$.environment') AS environment FROM events_raw ORDER BY name, subject`,
  );
  assert.deepEqual(
    rows.map((row) => Object.values(row).join()),
    [
      "org_456,api.request,user_123,session_1,GET /api/fails,500,0,1,,,,a browser,production",
      "org_456,api.request,user_123,session_1,GET /api/users,200,1,1,,,15,a browser,production",
      "default,api.request,user_123,,GET /by-hand/users,200,1,1,,,,,",
      "org_456,api.request,user_123,session_1,POST /api/tokens,204,1,1,,,,a browser,production",
      "default,db.query,,,all users,,,1,,,,,",
      "org_456,usage.tracked,user_123,,ai-text-generation,,,,1500,ai-text-generation,,,",
    ],
  );
  assert.doesNotMatch(JSON.stringify(await world.rows("SELECT * FROM events_raw")), /private/);
});

test("the Hono example of the seed leaves its rows", options, async () => {
  const world = await worker("hono");
  assert.equal((await world.ask("/", { headers: { "cf-ray": "ray-1" } })).text, "MeauxCLOUD");
  await world.ask("/tracked", { headers: { "cf-ray": "ray-2" } });
  const rows = await world.wait(
    9,
    `SELECT name, subject, user_id, status_code, success, cost, quantity, error, source,
    json_extract(metadata, '$.environment') AS environment FROM events_raw ORDER BY name, subject, status_code`,
  );
  assert.deepEqual(
    rows.map((row) => Object.values(row).join()),
    [
      "ai.usage,@cf/meta/llama-3,,,,0.02,840,,rpc,",
      "api.request,GET /,,200,1,,,,rpc,staging",
      "api.request,GET /tracked,,200,1,,,,rpc,staging",
      "api.request,GET /tracked,,201,1,,,,rpc,",
      "error,Timeout,,,0,,,no answer in 10 s,rpc,",
      "project.cost,project-1,,,,1.5,,,rpc,",
      "resource.used,storage,,,,,12,,rpc,",
      "user-login,,,,,,,,point,",
      "user.event,click,user-123,,,,,,rpc,",
    ],
  );
});

test("a Worker without a framework records requests and batches of queues", options, async () => {
  const world = await worker("worker");
  assert.equal((await world.ask("/orders", { method: "POST" })).status, 201);
  assert.equal((await world.ask("/nowhere")).status, 404);
  const rows = await world.wait(4, "SELECT name, subject, success, status_code FROM events_raw ORDER BY name, subject");
  assert.deepEqual(
    rows.map((row) => Object.values(row).join()),
    ["api.request,GET /nowhere,0,404", "api.request,POST /orders,1,201", "order.shipped,,,", "queue.batch,orders,1,"],
  );
});

test("a Durable Object that fails to send sends later", options, async () => {
  const world = runtime.worker("startup");
  // There are no tables yet: the Worker of events answers what the database lacks.
  const failures = () => runtime.said.text.split("migrations apply").length - 1;
  const before = failures();
  await world.ask("/other?amount=4");
  const end = Date.now() + 15_000;
  // The object asks, and asks again: each time is told twice at most.
  while (failures() < before + 3 && Date.now() < end) await new Promise((done) => setTimeout(done, 20));
  assert.ok(failures() >= before + 3, runtime.said.text);
  for (let n = 1; n <= 3; n += 1) await world.ask(`/acme?amount=${n}`);
  await world.makeTables();
  const rows = await world.wait(
    4,
    `SELECT org, name, subject, user_id, json_extract(metadata, '$.amount') AS amount,
    created_at, ingested_at FROM events_raw ORDER BY amount`,
  );
  assert.deepEqual(
    rows.map(({ org, name, subject, user_id, amount }) => [org, name, subject, user_id, amount]),
    [1, 2, 3, 4].map((amount) => ["startups.studio", "raised", "Startup/acme", "Human/nathan", amount]),
  );
});

test("a Worker keeps what it could not send for its next request", options, async () => {
  const world = runtime.worker("kept");
  for (const path of ["/a", "/b"]) assert.equal((await world.ask(path)).text, "ok");
  await world.makeTables();
  for (let rows = []; rows.length < 2;) {
    await world.ask("/flush");
    rows = await world.rows("SELECT name FROM events_raw ORDER BY name");
    if (rows.length === 2)
      assert.deepEqual(
        rows.map(({ name }) => name),
        ["a", "b"],
      );
  }
});

test("over a binding, what is refused is told and what is not goes again", options, async () => {
  const world = runtime.worker("told");
  const told = async (events, headers = {}) =>
    JSON.parse((await world.ask("/", { method: "POST", body: JSON.stringify(events), headers })).text);
  assert.deepEqual(await told([{ event: "a" }]), ["again: the database lacks what this version of the program needs: run `aig-logs sql --sink d1 --apply`, and send the same again"]);
  await world.makeTables();
  assert.deepEqual(await told([{ event: "b" }, { n: 1 }], { patience: "5000" }), [
    "the event has no name: send event, event_name, type or verb as text",
  ]);
  assert.deepEqual(await told([{ n: 1 }]), ["the event has no name: send event, event_name, type or verb as text"]);
  const [first, second] = await told([{ n: 1 }, { event: "x".repeat(200) }]);
  assert.equal(first, second);
  assert.match(first, /none of the 2 events could be taken: .*; the first: the event has no name/);
  assert.deepEqual(
    (await world.rows("SELECT name FROM events_raw ORDER BY name")).map(({ name }) => name),
    ["a", "b"],
  );
});

test("a stream of Pipelines and the API over HTTP are targets, too", options, async () => {
  const world = await worker("targets");
  const rows = JSON.parse((await world.ask("/")).text);
  assert.deepEqual(
    rows.map(({ name, count }) => [name, count]),
    [
      ["sent", 1],
      ["streamed", 1],
    ],
  );
  assert.deepEqual(await world.rows("SELECT name, source FROM events_raw ORDER BY name"), [
    { name: "sent", source: "http" },
    { name: "streamed", source: "stream" },
  ]);
});
