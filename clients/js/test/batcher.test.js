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

test("many events while the server is away make few timers", async () => {
  const world = new World();
  world.receiver.fault = () => "lost";
  const batcher = new EventBatcher(world.to, { ...world.options, batchSize: 1 });
  for (let n = 0; n < 300; n += 1) {
    batcher.add({ event: "e", n });
    await settled();
  }
  assert.ok(world.timers.size <= 3, `${world.timers.size} timers`);
  assert.ok(world.arrivals.length <= 3, `${world.arrivals.length} requests`);
});

test("a request holds at most 500 events and 1 MiB", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, { ...world.options, batchSize: Infinity });
  for (let n = 0; n < 1_001; n += 1) batcher.add({ event: "small", n });
  for (let n = 0; n < 100; n += 1) batcher.add({ event: "ü".repeat(15_000), n });
  await world.until(batcher.flush());
  assert.equal(world.receiver.kept.size, 1_101);
  const requests = world.receiver.requests.map((body) => [JSON.parse(body).length, Buffer.byteLength(body)]);
  assert.ok(requests.every(([events, bytes]) => events <= 500 && bytes <= 1 << 20), JSON.stringify(requests));
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

test("retry-after is honoured, in seconds and as a date", async () => {
  const date = new Date(Date.parse("2026-11-30T12:00:00Z") + 7_000).toUTCString();
  for (const [retryAfter, pause] of [["7", 7_000], [date, 7_000], ["0", 0], ["never", 0]]) {
    const world = new World();
    world.receiver.retryAfter = retryAfter;
    world.receiver.fault = (request) => (request === 0 ? "limited" : undefined);
    const batcher = new EventBatcher(world.to, world.options);
    batcher.add({ event: "a" });
    const flushed = batcher.flush();
    await settled();
    // What comes meanwhile waits as well.
    batcher.add({ event: "b" }, { batchSize: 1 });
    await world.until(flushed);
    const [first, second] = world.arrivals;
    assert.ok(second - first >= Math.max(pause, 250), `${retryAfter}: ${second - first}`);
    assert.equal(world.receiver.requests.length, 2, retryAfter);
    assert.deepEqual(world.kept(), ["a", "b"]);
  }
});

test("a flush gives up after its patience, and a later one sends the same events", async () => {
  const world = new World();
  world.receiver.fault = () => "busy";
  const batcher = new EventBatcher(world.to, { ...world.options, patience: 4_000 });
  batcher.add({ event: "a" });
  const start = world.time;
  await world.until(batcher.flush());
  assert.ok(world.time - start <= 5_000);
  assert.equal(batcher.size, 1);
  const bodies = new Set(world.receiver.requests);
  assert.equal(bodies.size, 1, "the same id and time each time");
  world.receiver.fault = () => undefined;
  await world.pass(60_000);
  assert.deepEqual(world.kept(), ["a"]);
  assert.deepEqual(world.dropped, []);
});

test("a pause grows while the server is away", async () => {
  const world = new World();
  world.receiver.fault = () => "lost";
  const batcher = new EventBatcher(world.to, { ...world.options, flushInterval: 1_000 });
  batcher.add({ event: "a" });
  await world.pass(600_000);
  const pauses = world.arrivals.slice(1).map((at, index) => at - world.arrivals[index]);
  assert.ok(pauses[0] <= 500 && pauses.at(-1) >= 15_000 && pauses.at(-1) <= 46_000, String(pauses));
  assert.ok(world.arrivals.length < 60, `${world.arrivals.length} requests in ten minutes`);
  world.receiver.fault = () => undefined;
  await world.pass(60_000);
  assert.equal(batcher.size, 0);
  const before = world.arrivals.length;
  world.receiver.fault = (request) => (request === before ? "lost" : undefined);
  batcher.add({ event: "b" });
  await world.pass(60_000);
  const [failed, again] = world.arrivals.slice(before);
  assert.ok(again - failed <= 500, "after a success it begins anew");
});

test("what is refused is told with its reason, and the others are kept", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, world.options);
  for (const event of ["a", "bad", "b"]) batcher.add({ event });
  await world.until(batcher.flush());
  assert.deepEqual(world.kept(), ["a", "b"]);
  assert.deepEqual(world.dropped.map(({ event, reason }) => [event.event, reason]), [["bad", "the event is bad"]]);
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

test("an answer that is no acknowledgement is none", async () => {
  for (const fault of ["page", "moved", "closed", "short", "silent", "kept and silent", "kept and lost"]) {
    const world = new World();
    world.receiver.fault = (request) => (request === 0 ? fault : undefined);
    const batcher = new EventBatcher(world.to, world.options);
    batcher.add({ event: "a" });
    await world.until(batcher.flush());
    assert.deepEqual([world.kept(), batcher.size, world.receiver.requests.length], [["a"], 0, 2], fault);
    assert.equal(world.retries.length, 1, fault);
    assert.equal(world.aborted, fault.includes("silent") ? 1 : 0, fault);
  }
});

test("a server that takes no events is no failure", async () => {
  const world = new World();
  world.receiver.fault = () => "off";
  const batcher = new EventBatcher(world.to, world.options);
  batcher.add({ event: "a" });
  await world.until(batcher.flush());
  assert.deepEqual([batcher.size, world.dropped, world.retries], [0, [], []]);
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

test("a request that died in the middle of a flush loses nothing", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, world.options);
  batcher.add({ event: "a" });
  // The isolate goes on, but nothing of the first request does: neither its timers nor its answers.
  world.receiver.fault = () => "kept and silent";
  void batcher.flush();
  await settled();
  world.timers.clear();
  world.receiver.fault = () => undefined;
  await world.pass(12_000);
  batcher.add({ event: "b" });
  await world.until(batcher.flush());
  assert.deepEqual(world.kept(), ["a", "b"]);
  assert.equal(world.receiver.duplicates, 1);
});

test("an answer that comes when others have sent the events again is told once", async () => {
  const world = new World();
  const batcher = new EventBatcher(world.to, world.options);
  batcher.add({ event: "bad" });
  world.isLate = true;
  void batcher.flush();
  await settled();
  // The request sleeps, its timers too, and wakes up later.
  world.timers.clear();
  world.isLate = false;
  await world.pass(12_000);
  await world.until(batcher.flush());
  world.late[0]();
  await settled();
  assert.equal(world.dropped.length, 1);
  batcher.add({ event: "a" });
  await world.until(batcher.flush());
  assert.deepEqual([world.kept(), batcher.size], [["a"], 0]);
});
