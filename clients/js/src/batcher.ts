import { outboxOf, type Outbox } from "./outbox.ts";
import { EventsError, type BatchOptions, type Event, type Target } from "./types.ts";

/**
 * Collects events, and sends many with one request: when enough wait, after an interval while a request or the process
 * lives, and with `flush`. Batchers of the same target share what they keep.
 */
export class EventBatcher {
  readonly #outbox: Outbox;
  readonly #options: BatchOptions;

  constructor(to: Target | undefined, options: BatchOptions = {}) {
    this.#outbox = outboxOf(to);
    this.#options = options;
  }

  /** Events that are not acknowledged yet. */
  get size(): number {
    return this.#outbox.size;
  }

  /** Keeps an event and returns at once. Never throws. */
  add(event: Event | object, options: BatchOptions = {}): void {
    const all = { ...this.#options, ...options };
    if (all.enabled !== false) this.#outbox.add(event, all);
  }

  /**
   * Sends what waits, and tries again for as long as `patience` says. What is not acknowledged then is kept for the next
   * flush; with the option `throws` it rejects.
   */
  async flush(): Promise<void> {
    await this.#outbox.flush(this.#options);
    if (this.#options.throws && this.size) throw new EventsError(`${this.size} events are kept, not acknowledged`);
  }
}
