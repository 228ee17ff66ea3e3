// What a batcher does when the server fails, or its own request ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventBatcher } from "aig-events";
import { settled, World } from "./support/world.js";

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

test("retry-after is honoured, in seconds and as a date", async () => {
  const date = new Date(Date.parse("2026-11-30T12:00:00Z") + 7_000).toUTCString();
  for (const [retryAfter, pause] of [
    ["7", 7_000],
    [date, 7_000],
    ["0", 0],
    ["never", 0],
  ]) {
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
