// Over real connections, with the global fetch and the real clock.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { EventBatcher, EventsError, ingestEvent, queryAnalytics } from "aig-events";
import { Receiver } from "./support/receiver.js";

/** A receiver at an address. */
async function listen(t) {
  const receiver = new Receiver();
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    receiver.last = request;
    const answer = receiver.answer(body);
    if (answer === "lost") return request.socket.destroy();
    if (answer === "silent") return;
    response.writeHead(answer[0], answer[1]);
    response.end(answer[2]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => (server.closeAllConnections(), server.close()));
  const url = `http://127.0.0.1:${server.address().port}`;
  return { receiver, to: { url, key: "aig_test" } };
}

test("events arrive with the key, as JSON", async (t) => {
  const { receiver, to } = await listen(t);
  const id = await ingestEvent(to, { event: "ü", userId: "u" });
  const { method, url, headers } = receiver.last;
  assert.deepEqual(
    [method, url, headers.authorization, headers["content-type"]],
    ["POST", "/events/batch", "Bearer aig_test", "application/json"],
  );
  assert.deepEqual(
    [...receiver.kept.values()].map(({ event, id }) => [event, id]),
    [["ü", id]],
  );
});

test("a crash between send and answer counts nothing twice", async (t) => {
  const { receiver, to } = await listen(t);
  receiver.fault = (request) => ["kept and lost", "moved", "busy"][request];
  const batcher = new EventBatcher(to, { onRetry: () => {}, host: hasty(), patience: 60_000 });
  for (let n = 0; n < 50; n += 1) batcher.add({ event: "e", n });
  await batcher.flush();
  assert.deepEqual([receiver.kept.size, receiver.duplicates, receiver.requests.length, batcher.size], [50, 50, 4, 0]);
});

test("a server that is silent is left, and asked again", async (t) => {
  const { receiver, to } = await listen(t);
  receiver.fault = (request) => (request === 0 ? "kept and silent" : undefined);
  const batcher = new EventBatcher(to, { onRetry: () => {}, host: hasty(), patience: 60_000 });
  batcher.add({ event: "a" });
  await batcher.flush();
  assert.deepEqual([receiver.kept.size, receiver.duplicates, receiver.requests.length], [1, 1, 2]);
});

test("a question that fails says why", async (t) => {
  const { receiver, to } = await listen(t);
  const ask = () => queryAnalytics(to, { start: "-1d", end: "now" }).catch((error) => error);
  for (const [fault, status, message] of [
    ["limited", 429, "too many requests"],
    ["closed", 401, "the key is unknown"],
    ["page", 200, /status 200/],
  ]) {
    receiver.fault = () => fault;
    const error = await ask();
    assert.ok(error instanceof EventsError, String(error));
    assert.equal(error.status, status);
    assert.match(error.message, new RegExp(message));
  }
});

/** The platform's timers, twenty times faster. */
function hasty() {
  return {
    now: () => Date.now() * 20,
    random: Math.random,
    setTimeout: (act, ms) => setTimeout(act, ms / 20),
    clearTimeout,
  };
}
