import { platform, within } from "./host.ts";
import { outboxOf } from "./outbox.ts";
import { EventsError, type BatchOptions, type Event, type Options, type Target } from "./types.ts";

/**
 * Sends one event, and waits for the answer for as long as `patience` says, 5 s by default. Resolves to the event's id
 * once it is acknowledged; to undefined if it is refused, or not acknowledged yet and kept. With the option `throws` it
 * rejects instead.
 */
export async function ingestEvent(
  to: Target | undefined,
  event: Event | object,
  options: BatchOptions = {},
): Promise<string | undefined> {
  const { enabled, throws, host = platform, patience = 5_000 } = options;
  if (enabled === false) return undefined;
  const settled = new Promise<string | EventsError>((settle) =>
    outboxOf(to).add(event, { ...options, batchSize: 1 }, settle),
  );
  const result =
    (await within(host, patience, settled)) ?? new EventsError("the event is kept, and not acknowledged yet");
  if (typeof result === "string") return result;
  if (throws) throw result;
  return undefined;
}

/** Sends an event. Waits for nothing, unless the option `throws` asks for it. */
export async function streamEvent(to: Target | undefined, event: Event | object, options: Options = {}): Promise<void> {
  if (options.throws) await ingestEvent(to, event, options);
  else if (options.enabled !== false) outboxOf(to).add(event, { ...options, batchSize: 1 });
}
