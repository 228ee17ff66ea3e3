import assert from "node:assert/strict";
import { test } from "node:test";
import { EventBatcher, ingestEvent } from "aig-events";
import { FAULTS } from "./support/receiver.js";
import { generator, World } from "./support/world.js";

/** What a random history does to a world: events, flushes, faults, and time. */
async function history(seed) {
  const world = new World(seed);
  const random = generator(seed * 7919);
  const below = (limit) => Math.floor(random() * limit);
  const maxBytes = random() < 0.3 ? 4_000 : 1 << 20;
  const options = {
    ...world.options,
    batchSize: 1 + below(12),
    flushInterval: below(6_000),
    patience: below(20_000),
    maxBytes,
  };
  const faulty = random();
  let isOver = false;
  world.receiver.fault = () => (isOver || random() > faulty ? undefined : FAULTS[below(FAULTS.length)]);
  world.receiver.retryAfter = String(below(40));
  const batcher = new EventBatcher(world.to, options);
  const lasting = [];
  // Some requests have a context, and end with their timers at any moment.
  const ctx = random() < 0.5 ? { waitUntil: (promise) => lasting.push(promise) } : undefined;
  let added = 0;
  for (let step = 0; step < 40; step += 1) {
    const act = random();
    const event = { event: random() < 0.1 ? "bad" : "e", n: added, text: "x".repeat(below(200)) };
    if (act < 0.6) batcher.add(event, ctx ? { ctx } : {});
    else if (act < 0.7) void ingestEvent(world.to, event, options);
    else if (act < 0.8) void batcher.flush();
    else await world.pass(below(8_000));
    if (act < 0.7) added += 1;
    if (ctx && random() < 0.05) world.timers.clear();
  }
  isOver = true;
  await world.pass(60_000);
  await world.until(batcher.flush());
  return { world, added, size: batcher.size };
}

test("whatever fails, each event is kept once, or told once", async () => {
  const seen = { duplicates: 0, dropped: 0, kept: 0, retries: 0 };
  for (let seed = 1; seed <= 250; seed += 1) {
    const { world, added, size } = await history(seed);
    const kept = world.kept("n");
    const dropped = world.dropped.map(({ event }) => event.n);
    assert.equal(size, 0, `seed ${seed}: something is left`);
    assert.equal(new Set(kept).size, kept.length, `seed ${seed}: an event has two keys`);
    assert.equal(new Set(dropped).size, dropped.length, `seed ${seed}: an event is told twice`);
    assert.deepEqual(
      [...new Set([...kept, ...dropped])].sort((a, b) => a - b),
      [...Array(added).keys()],
      `seed ${seed}: an event is lost`,
    );
    seen.duplicates += world.receiver.duplicates;
    seen.dropped += dropped.length;
    seen.kept += kept.length;
    seen.retries += world.retries.length;
  }
  // The histories reach what they are for.
  for (const [name, count] of Object.entries(seen)) assert.ok(count > 300, `${name}: ${count}`);
});

test("no request comes before the time that retry-after names", async () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const world = new World(seed);
    const random = generator(seed);
    const batcher = new EventBatcher(world.to, { ...world.options, batchSize: 3, flushInterval: 500 });
    let notBefore = 0;
    let count = 0;
    world.receiver.retryAfter = "9";
    world.receiver.fault = () => {
      assert.ok(world.time >= notBefore, `seed ${seed}: ${notBefore - world.time} ms too early`);
      count += 1;
      if (random() < 0.5) return undefined;
      notBefore = world.time + 9_000;
      return "limited";
    };
    for (let n = 0; n < 20; n += 1) {
      batcher.add({ event: "e", n });
      await world.pass(random() * 3_000);
    }
    await world.pass(300_000);
    assert.equal(world.receiver.kept.size, 20);
    assert.ok(count > 1);
  }
});
