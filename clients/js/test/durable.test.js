import assert from "node:assert/strict";
import { test } from "node:test";
import { EventEmitterDO } from "aig-events";
import { FAULTS, Receiver } from "./support/receiver.js";
import { generator } from "./support/world.js";

/** The storage of an object: it outlives each instance, and the alarm is part of it. */
class Storage {
  kept = new Map();
  alarm = null;
  getAlarm = async () => this.alarm;
  setAlarm = async (at) => void (this.alarm = at);
  put = async (key, value) => void this.kept.set(key, structuredClone(value));
  delete = async (keys) => {
    assert.ok(keys.length <= 128);
    for (const key of keys) this.kept.delete(key);
  };
  list = async ({ prefix, limit }) =>
    new Map(
      [...this.kept]
        .filter(([key]) => key.startsWith(prefix))
        .sort()
        .slice(0, limit),
    );
}

/** An object with a receiver behind its binding. */
function object({ receiver = new Receiver(), storage = new Storage(), Base = class {} } = {}) {
  const dropped = [];
  const ingestEvents = async (events) => {
    const answer = receiver.answer(
      JSON.stringify(
        events.map(({ actionId, verb, timestamp, ...rest }) => ({ ...rest, event: verb, id: actionId, timestamp })),
      ),
    );
    if (answer === "lost" || answer === "silent") throw new Error("network connection lost");
    const told = JSON.parse(answer[2]);
    if (answer[0] === 422)
      throw new Error(`none of the ${events.length} events could be taken: each reason is in refused`);
    if (answer[0] !== 202) throw new Error(told.detail);
    return told;
  };
  class Startup extends EventEmitterDO(Base) {
    ns = "https://startups.studio";
    types = { 1: "Startup" };
    onDrop(event, reason) {
      dropped.push([event, reason]);
    }
  }
  return { storage, receiver, dropped, startup: new Startup({ storage }, { EVENTS_PIPELINE: { ingestEvents } }) };
}

/** What the runtime does once the alarm is due. */
async function ring({ storage, startup }) {
  assert.notEqual(storage.alarm, null);
  storage.alarm = null;
  await startup.alarm();
}

test("an event of a Durable Object is the one of the seed", async () => {
  const world = object();
  await world.startup.emitEvent("created", { source: "Startup/acme", type: "Startup", raisedAt: "2026-10-01" });
  assert.equal(world.receiver.requests.length, 0, "the object does not wait for the answer");
  await ring(world);
  const [event] = world.receiver.kept.values();
  const { id, timestamp, ...rest } = event;
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.ok(Date.parse(timestamp) <= Date.now());
  const data = { source: "Startup/acme", type: "Startup", raisedAt: "2026-10-01" };
  assert.deepEqual(rest, {
    ns: "https://startups.studio",
    event: "created",
    source: "Startup/acme",
    sourceType: "Startup",
    data,
  });
  assert.deepEqual([world.storage.kept.size, world.storage.alarm], [0, null]);
});

test("types: a number becomes the name of the type, and one without a name is told", async () => {
  const world = object();
  await world.startup.emitEvent("created", { type: 1 });
  await world.startup.emitEvent("created", { type: 2 });
  await ring(world);
  assert.deepEqual(
    [...world.receiver.kept.values()].map(({ sourceType }) => sourceType),
    ["Startup"],
  );
  assert.match(world.dropped[0][1], /type 2 has no name/);
});

test("an alarm of the object itself is called, after the events are sent", async () => {
  const rung = [];
  class Base {
    async alarm(info) {
      rung.push([info, world.receiver.kept.size]);
    }
  }
  const world = object({ Base });
  await world.startup.emitEvent("created", {});
  world.storage.alarm = null;
  await world.startup.alarm("info");
  assert.deepEqual(rung, [["info", 1]]);
});

test("an alarm that is set already is left, and a refused event is told", async () => {
  const world = object();
  world.storage.alarm = 7;
  await world.startup.emitEvent("bad", { n: 1 });
  await world.startup.emitEvent("good", {});
  await world.startup.emitEvent("huge", { count: 1n });
  assert.equal(world.storage.alarm, 7);
  await ring(world);
  assert.deepEqual(
    world.dropped.map(([event, reason]) => [event.verb, reason]),
    [
      ["huge", "it is no JSON"],
      ["bad", "the event is bad"],
    ],
  );
  assert.deepEqual([world.receiver.kept.size, world.storage.kept.size], [1, 0]);
});

test("whatever fails, and whenever the object ends, each of its events is kept once", async () => {
  let duplicates = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = generator(seed);
    const receiver = new Receiver();
    let isOver = false;
    const faults = FAULTS.filter((fault) => fault !== "refused" && fault !== "page");
    receiver.fault = () => (isOver || random() < 0.4 ? undefined : faults[Math.floor(random() * faults.length)]);
    let world = object({ receiver });
    const remove = world.storage.delete;
    // Now and then it ends after the answer, and before the events are deleted.
    world.storage.delete = async (keys) => {
      if (!isOver && random() < 0.3) throw new Error("the object ends");
      await remove(keys);
    };
    let emitted = 0;
    for (let step = 0; step < 30; step += 1) {
      if (random() < 0.6) await world.startup.emitEvent("e", { n: (emitted += 1), text: "x".repeat(random() * 8_000) });
      else if (world.storage.alarm !== null) {
        // The runtime rings again if an alarm fails.
        await ring(world).catch(() => (world.storage.alarm = 0));
        if (random() < 0.3) world = object({ receiver, storage: world.storage });
      }
    }
    isOver = true;
    for (let rings = 0; world.storage.alarm !== null && rings < 10; rings += 1) await ring(world);
    const kept = [...receiver.kept.values()].map(({ data }) => data.n).sort((a, b) => a - b);
    assert.deepEqual(
      kept,
      Array.from({ length: emitted }, (_, n) => n + 1),
      `seed ${seed}`,
    );
    assert.equal(world.storage.kept.size, 0);
    duplicates += receiver.duplicates;
  }
  assert.ok(duplicates > 50, String(duplicates));
});

test("a server that takes smaller bodies gets smaller bodies, over HTTP too", async () => {
  const receiver = new Receiver();
  receiver.fault = () => "small";
  const world = object();
  const fetch = async (_url, { body }) => {
    const events = JSON.parse(body).map(({ actionId, verb, ...rest }) => ({ ...rest, event: verb, id: actionId }));
    const [status, headers, text] = receiver.answer(JSON.stringify(events));
    return new Response(text, { status, headers });
  };
  world.startup.eventTarget = () => ({ url: "https://events.example", key: "aig_test", fetch });
  for (let n = 0; n < 20; n += 1) await world.startup.emitEvent("e", { n });
  await ring(world);
  assert.deepEqual([receiver.kept.size, world.storage.kept.size, world.dropped], [20, 0, []]);
  await world.startup.emitEvent("huge", { text: "x".repeat(1 << 20) });
  await world.startup.emitEvent("e", {});
  await ring(world);
  assert.deepEqual([receiver.kept.size, world.storage.kept.size], [21, 0]);
  assert.match(world.dropped[0][1], /413/);
});

test("each failure makes the next alarm later", async () => {
  const world = object();
  world.receiver.fault = () => "busy";
  await world.startup.emitEvent("e", {});
  const pauses = [];
  for (let failures = 1; failures <= 4; failures += 1) {
    await ring(world);
    pauses.push(Math.round((world.storage.alarm - Date.now()) / 1_000));
  }
  assert.deepEqual(pauses, [1, 2, 4, 8]);
});

test("the pause before the next try grows, up to five minutes", () => {
  const { startup } = object();
  assert.deepEqual(
    [1, 2, 9, 10, 50].map((failures) => startup.pauseAfter(failures)),
    [1_000, 2_000, 256_000, 300_000, 300_000],
  );
});
