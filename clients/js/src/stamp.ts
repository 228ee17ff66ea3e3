// The key of an event is its time and its id. Both are made before it is sent for the first time, so that the same event
// sent again is the same event.
import type { Host } from "./types.ts";

const IDS = ["id", "eventId", "messageId", "actionId"];
const TIMES = ["timestamp", "time"];

/**
 * The event with an id and a time. An event with an id of its own and no time stays as it is: the id holds a time, or
 * the API refuses it, since a time made here would differ when the application sends the same event again.
 */
export function stamped(event: object, host: Host): object {
  const has = (name: string) => (event as Record<string, unknown>)[name] != null;
  if (IDS.some(has)) return event;
  const now = host.now();
  return { id: uuid7(now), ...(TIMES.some(has) ? {} : { timestamp: new Date(now).toISOString() }), ...event };
}

/** A UUIDv7: ids that are made later sort later. */
export function uuid7(now: number): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  random[0] = (random[0]! & 0x0f) | 0x70;
  random[2] = (random[2]! & 0x3f) | 0x80;
  const hex =
    now.toString(16).padStart(12, "0") + Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
