import assert from "node:assert/strict";
import { test } from "node:test";
import { EventsError, ingestEvent, streamEvent } from "aig-events";
import { settled, World } from "./support/world.js";

test("ingestEvent answers the id of an acknowledged event", async () => {
  const world = new World();
  const id = await world.until(ingestEvent(world.to, { event: "a" }, world.options));
  assert.deepEqual(world.kept("id"), [id]);
  const timed = { event: "c", time: 1_764_000_000 };
  await world.until(ingestEvent(world.to, timed, world.options));
  assert.deepEqual(Object.keys(JSON.parse(world.receiver.requests[1])[0]), ["id", "event", "time"]);
  const own = { event: "b", eventId: "mine", time: "2026-11-30T12:00:00Z" };
  await world.until(ingestEvent(world.to, own, world.options));
  assert.deepEqual(JSON.parse(world.receiver.requests[2]), [own]);
});

test("an id without a time stays without one, for the API to refuse", async () => {
  // A time made here would differ when the application sends the event again, and it would be counted twice.
  const world = new World();
  await world.until(ingestEvent(world.to, { id: "mine", event: "a" }, world.options));
  assert.deepEqual(JSON.parse(world.receiver.requests[0]), [{ id: "mine", event: "a" }]);
});

test("ids sort by time, and are UUIDs of version 7", async () => {
  const world = new World();
  for (let n = 0; n < 20; n += 1) {
    await world.until(ingestEvent(world.to, { event: "a" }, world.options));
    await world.pass(1);
  }
  const ids = world.kept("id");
  assert.deepEqual(ids, [...ids].sort());
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(new Set(world.kept("timestamp")).size, 20);
});

test("server away: nothing is thrown, and the event is sent later", async () => {
  const world = new World();
  world.receiver.fault = () => "lost";
  assert.equal(await world.until(ingestEvent(world.to, { event: "a" }, world.options)), undefined);
  await streamEvent(world.to, { event: "b" }, world.options);
  world.receiver.fault = () => undefined;
  await world.pass(60_000);
  assert.deepEqual(world.kept(), ["a", "b"]);
});

test("a stream function does not wait for the answer", async () => {
  const world = new World();
  world.receiver.fault = () => "silent";
  await streamEvent(world.to, { event: "a" }, world.options);
  await settled();
  assert.equal(world.receiver.requests.length, 1, "it is on its way, and no time has passed");
});

test("asked for it, a call throws what the API says", async () => {
  const options = (world) => ({ ...world.options, throws: true });
  const refused = new World();
  const error = await refused
    .until(ingestEvent(refused.to, { event: "bad" }, options(refused)))
    .catch((error) => error);
  assert.ok(error instanceof EventsError);
  assert.equal(error.message, "the event is bad");
  const away = new World();
  away.receiver.fault = () => "lost";
  await assert.rejects(away.until(streamEvent(away.to, { event: "a" }, options(away))), /kept, and not acknowledged/);
  const good = new World();
  await good.until(streamEvent(good.to, { event: "a" }, options(good)));
  assert.deepEqual(good.kept(), ["a"]);
});

test("disabled: a call does nothing", async () => {
  const world = new World();
  await streamEvent(world.to, { event: "a" }, { ...world.options, enabled: false });
  assert.equal(
    await ingestEvent(world.to, { event: "a" }, { ...world.options, enabled: false, throws: true }),
    undefined,
  );
  await world.pass(60_000);
  assert.deepEqual(world.receiver.requests, []);
});

test("what cannot be sent is told, and nothing is thrown", async () => {
  const world = new World();
  const circle = {};
  circle.circle = circle;
  for (const event of [circle, { event: "a", count: 1n }, null, undefined])
    await streamEvent(world.to, event, world.options);
  assert.equal(world.dropped.length, 4);
  await streamEvent(undefined, { event: "a" }, world.options);
  await settled();
  assert.match(world.dropped[4].reason, /no binding/);
});

test("code of the application that throws fails no request", async (t) => {
  const warned = t.mock.method(console, "warn", () => {});
  const world = new World();
  const oops = () => {
    throw new Error("oops");
  };
  const ctx = { waitUntil: oops };
  world.receiver.fault = (request) => (request === 0 ? "busy" : undefined);
  await world.until(ingestEvent(world.to, { event: "bad" }, { ...world.options, onDrop: oops, onRetry: oops, ctx }));
  assert.equal(warned.mock.callCount(), 3);
});

test("no key and no address of a failure is told", async (t) => {
  const said = [];
  t.mock.method(console, "warn", (...parts) => said.push(parts.join(" ")));
  for (const fault of ["lost", "closed", "page", "refused", "busy", "moved"]) {
    const world = new World();
    world.receiver.fault = () => fault;
    const told = await world
      .until(ingestEvent(world.to, { event: "private" }, { host: world.host, throws: true }))
      .catch((error) => `${error.stack}`);
    said.push(told);
  }
  assert.ok(said.length >= 6 * 2, said.join("\n"));
  assert.doesNotMatch(said.join("\n"), /aig_secret|password|private/);
});
