import assert from "node:assert/strict";
import { test } from "node:test";
import { EventBatcher } from "aig-events";
import { settled, World } from "./support/world.js";

test("a batcher sends when enough events wait", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, { ...world.options, batchSize: 3 });
  for (const event of ["a", "b"]) batcher.add({ event });
  await settled();
  assert.deepEqual(world.kept(), []);
  batcher.add({ event: "c" });
  await settled();
  assert.deepEqual(world.kept(), ["a", "b", "c"]);
  assert.equal(world.receiver.requests.length, 1);
  assert.equal(batcher.size, 0);
});

test("a batcher sends after the interval", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, { ...world.options, flushInterval: 3_000 });
  batcher.add({ event: "a" });
  await world.pass(2_000);
  batcher.add({ event: "b" });
  await world.pass(999);
  assert.equal(world.receiver.requests.length, 0);
  await world.pass(1);
  assert.deepEqual(world.kept(), ["a", "b"]);
  batcher.add({ event: "c" });
  await world.pass(3_000);
  assert.deepEqual(world.kept(), ["a", "b", "c"]);
  batcher.add({ event: "d" });
  await world.until(batcher.flush());
  assert.equal(world.timers.size, 0, "nothing holds the process when all is acknowledged");
});

test("a batcher of a request sends in its context", async () => {
  const world = new World();
  const lasting = [];
  const ctx = { waitUntil: (promise) => lasting.push(promise) };
  const batcher = new EventBatcher(world.to, { ...world.options, flushInterval: 3_000, ctx });
  batcher.add({ event: "a" });
  batcher.add({ event: "b" });
  await world.until(Promise.all(lasting));
  assert.equal(lasting.length, 2);
  assert.deepEqual(world.kept(), ["a", "b"]);
  assert.equal(world.receiver.requests.length, 1);
});

test("flush waits until everything is acknowledged", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, { ...world.options, batchSize: 2 });
  world.receiver.fault = (request) => (request < 2 ? "busy" : undefined);
  for (const event of ["a", "b", "c"]) batcher.add({ event });
  await world.until(batcher.flush());
  assert.deepEqual(world.kept().sort(), ["a", "b", "c"]);
  assert.equal(batcher.size, 0);
});

test("flush waits for what is on its way already", async () => {
  const world = new World();
  world.isLate = true;
  const batcher = new EventBatcher(world.to, { ...world.options, batchSize: 1 });
  batcher.add({ event: "a" });
  await settled();
  let isFlushed = false;
  void batcher.flush().then(() => (isFlushed = true));
  await world.pass(2_000);
  assert.deepEqual([isFlushed, batcher.size, world.late.length], [false, 1, 1]);
  for (const release of world.late) release();
  await world.pass(100);
  assert.deepEqual([isFlushed, batcher.size], [true, 0]);
  assert.equal(world.timers.size, 0, "no timer outlives its work");
});

test("a request holds at most 500 events and 1 MiB", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, { ...world.options, batchSize: Infinity });
  for (let n = 0; n < 1_001; n += 1) batcher.add({ event: "small", n });
  for (let n = 0; n < 100; n += 1) batcher.add({ event: "ü".repeat(15_000), n });
  await world.until(batcher.flush());
  assert.equal(world.receiver.kept.size, 1_101);
  const requests = world.receiver.requests.map((body) => [JSON.parse(body).length, Buffer.byteLength(body)]);
  assert.ok(
    requests.every(([events, bytes]) => events <= 500 && bytes <= 1 << 20),
    JSON.stringify(requests),
  );
  assert.ok(requests.length <= 7, JSON.stringify(requests));
});

test("a server that takes smaller bodies gets smaller bodies", async () => {
  const world = new World();
  world.receiver.fault = () => "small";
  const batcher = new EventBatcher(world.to, world.options);
  for (let n = 0; n < 20; n += 1) batcher.add({ event: "e", n });
  await world.until(batcher.flush());
  assert.equal(world.receiver.kept.size, 20);
  assert.deepEqual(world.dropped, []);
});

test("an event that no request can hold is told", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, world.options);
  for (const event of ["a", "large", "b"]) batcher.add({ event, text: "x".repeat(event === "large" ? 1 << 20 : 1) });
  await world.until(batcher.flush());
  assert.deepEqual([world.kept(), batcher.size], [["a", "b"], 0]);
  assert.match(world.dropped[0].reason, /413 the body is larger/);
  assert.equal(world.dropped.length, 1);
});

test("what is refused is told with its reason, and the others are kept", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, world.options);
  for (const event of ["a", "bad", "b"]) batcher.add({ event });
  await world.until(batcher.flush());
  assert.deepEqual(world.kept(), ["a", "b"]);
  assert.deepEqual(
    world.dropped.map(({ event, reason }) => [event.event, reason]),
    [["bad", "the event is bad"]],
  );
  batcher.add({ event: "bad" });
  await world.until(batcher.flush());
  assert.equal(world.dropped.length, 2, "all of a batch are refused");
  assert.equal(batcher.size, 0);
});

test("memory is bounded, and what finds no place is told", async () => {
  const world = new World();
  world.receiver.fault = () => "lost";
  const batcher = new EventBatcher(world.to, { ...world.options, maxBytes: 100_000, patience: 0 });
  for (let n = 0; n < 1_000; n += 1) batcher.add({ event: "e", n });
  const { size } = batcher;
  assert.ok(size > 100 && size < 1_000, String(size));
  assert.equal(world.dropped.length, 1_000 - size);
  assert.match(world.dropped[0].reason, /maxBytes/);
  assert.equal(world.dropped[0].event.n, size, "what came first stays");
  world.receiver.fault = () => undefined;
  await world.pass(120_000);
  assert.equal(world.receiver.kept.size, size);
  batcher.add({ event: "there is place again" });
  await world.until(batcher.flush());
  assert.equal(world.receiver.kept.size, size + 1);
});

test("disabled: nothing is sent, and nothing is told", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, { ...world.options, enabled: false, batchSize: 1 });
  batcher.add({ event: "a" });
  await world.until(batcher.flush());
  assert.deepEqual([world.receiver.requests, world.dropped, batcher.size], [[], [], 0]);
});

test("an event is sent as it was when it was added", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, world.options);
  const event = { event: "a", properties: { n: 1 } };
  batcher.add(event);
  event.properties.n = 2;
  await world.until(batcher.flush());
  assert.deepEqual(world.kept("properties"), [{ n: 1 }]);
  assert.deepEqual(Object.keys(event), ["event", "properties"], "the caller's own object is untouched");
});

test("batchers of one target share what they keep", async () => {
  const world = new World();
  world.receiver.fault = (request) => (request === 0 ? "busy" : undefined);
  const request = () => new EventBatcher({ ...world.to }, { ...world.options, patience: 0 });
  const first = request();
  first.add({ event: "of the first request" });
  await world.until(first.flush());
  assert.equal(first.size, 1);
  await world.pass(500);
  const second = request();
  second.add({ event: "of the second" });
  await world.until(second.flush());
  assert.deepEqual(world.kept(), ["of the first request", "of the second"]);
});
