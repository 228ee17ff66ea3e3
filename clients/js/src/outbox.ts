// Keeps events in memory until they are acknowledged: one outbox for each target, whoever adds to it, so that what one
// request could not send the next one sends. No promise is awaited from one request to another: in a Worker a request may
// end at any moment, and with it what it was doing. So the events that a flush sends are only lent to it.
import { ANSWER_TIMEOUT, asHttp, bytesOf, deliver, fitting, type Outcome, type Unacknowledged } from "./deliver.ts";
import { current, platform, sleep } from "./host.ts";
import { stamped } from "./stamp.ts";
import { EventsError, type BatchOptions, type Context, type OnDrop, type Target } from "./types.ts";

/** What an event takes in memory beside its text, roughly. */
const OVERHEAD = 256;

/** After this time an event is taken back from a flush that has not ended. */
const LENT_FOR = ANSWER_TIMEOUT + 2_000;

/** Milliseconds that an event waits at most in a request that has been answered: after 30 s the platform ends it. */
const LONGEST_WAIT = 15_000;

/** How often a flush looks whether those that others send are acknowledged. */
const LOOK_AGAIN = 50;

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

/** Told what became of an event: its id once it is acknowledged, or why it is dropped. */
export type Settle = (result: string | EventsError) => void;

interface Entry {
  json: string;
  bytes: number;
  /** When a flush that has it must have ended. */
  lentUntil: number;
  onDrop: OnDrop | undefined;
  settle: Settle | undefined;
}

const outboxes = new Map<unknown, Outbox>();
const ofBindings = new WeakMap<object, Outbox>();

/** Outboxes that have events. */
const busy = new Set<Outbox>();

/** The outbox of a target. The same address and key are the same target. */
export function outboxOf(to: Target | undefined): Outbox {
  const http = to && asHttp(to);
  const isBinding = to && !http;
  const name = http && `${http.url} ${http.key}`;
  const outbox = (isBinding ? ofBindings.get(to) : outboxes.get(name)) ?? new Outbox();
  isBinding ? ofBindings.set(to, outbox) : outboxes.set(name, outbox);
  outbox.to = to;
  return outbox;
}

/** Sends everything that waits anywhere. */
export async function flushAll(options: BatchOptions = {}): Promise<void> {
  await Promise.all(Array.from(busy, (outbox) => outbox.flush(options)));
}

export class Outbox {
  to: Target | undefined;
  /** In the order in which they came. */
  #waiting: Entry[] = [];
  readonly #lent = new Set<Entry>();
  #bytes = 0;
  #failures = 0;
  /** Nothing is sent before this instant. */
  #pauseUntil = 0;
  /** Events of one request, where a server takes fewer than the API does. */
  #most: number | undefined;
  #timer: unknown;
  #flushes = 0;

  /** Events that are not acknowledged. */
  get size(): number {
    return this.#waiting.length + this.#lent.size;
  }

  /** Keeps an event, and sends it later. Never throws. */
  add(event: object, options: BatchOptions, settle?: Settle): void {
    const { host = platform, batchSize = 100, flushInterval = 5_000, maxBytes = 4 << 20, onDrop, ctx } = options;
    let json;
    try {
      json = JSON.stringify(stamped(event, host));
    } catch {
      return drop({ onDrop, settle }, event, "it is no JSON");
    }
    const bytes = bytesOf(json);
    if (this.#bytes + bytes + OVERHEAD > maxBytes) {
      return drop({ onDrop, settle }, JSON.parse(json), `${this.size} events wait already: maxBytes`);
    }
    this.#bytes += bytes + OVERHEAD;
    this.#waiting.push({ json, bytes, lentUntil: 0, onDrop, settle });
    busy.add(this);
    this.#flushLater(options, ctx, this.#waiting.length >= batchSize ? 0 : flushInterval);
  }

  /**
   * Sends what waits, and tries again for as long as `patience` says; also waits for what other flushes send. What is not
   * acknowledged then is kept.
   */
  async flush(options: BatchOptions): Promise<void> {
    const { host = platform, patience = 15_000 } = options;
    const end = host.now() + patience;
    await this.#send(options, end);
    while (this.#lent.size && host.now() < end) {
      await sleep(host, LOOK_AGAIN);
      await this.#send(options, end);
    }
  }

  /** A flush that nobody waits for, while the request or the process lives. */
  #flushLater(options: BatchOptions, ctx: Context | undefined = current.ctx, milliseconds: number): void {
    const { host = platform, patience = 15_000 } = options;
    const flush = async () => {
      // What the same turn adds goes with it.
      await (milliseconds && sleep(host, Math.min(milliseconds, LONGEST_WAIT)));
      await this.#send(options, host.now() + patience);
    };
    // A timer ends with the request that made it, and so does a flush: each request has its own.
    if (ctx) return lasting(ctx, flush());
    if (!milliseconds && !this.#flushes) void flush();
    else this.#wake(options, milliseconds);
  }

  #wake(options: BatchOptions, milliseconds: number): unknown {
    const { host = platform, patience = 15_000 } = options;
    const wake = () => {
      this.#timer = undefined;
      void this.#send(options, host.now() + patience);
    };
    return (this.#timer ??= host.setTimeout(wake, milliseconds));
  }

  async #send(options: BatchOptions, end: number): Promise<void> {
    const { host = platform } = options;
    this.#flushes += 1;
    for (;;) {
      for (let batch; (batch = this.#take(host.now())).length;) {
        this.#settle(
          batch,
          await deliver(
            this.to,
            batch.map(({ json }) => json),
            host,
          ),
          options,
        );
      }
      if (!this.#waiting.length || this.#pauseUntil > end) break;
      await sleep(host, this.#pauseUntil - host.now());
    }
    this.#flushes -= 1;
    if (this.#waiting.length) {
      const timer = this.#wake(options, this.#pauseUntil - host.now()) as { unref?(): void } | undefined;
      // The process may end before: it has waited long enough.
      timer?.unref?.();
    } else if (this.#timer !== undefined) {
      host.clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (!this.size) busy.delete(this);
  }

  /** The next batch, lent to whoever calls; empty during a pause. */
  #take(now: number): Entry[] {
    this.#giveBack([...this.#lent].filter((entry) => entry.lentUntil <= now));
    if (now < this.#pauseUntil) return [];
    const batch = this.#waiting.splice(
      0,
      fitting(
        this.#waiting.map(({ bytes }) => bytes),
        this.#most,
      ),
    );
    for (const entry of batch) {
      entry.lentUntil = now + LENT_FOR;
      this.#lent.add(entry);
    }
    return batch;
  }

  #giveBack(entries: Entry[]): void {
    this.#waiting.unshift(...entries.filter((entry) => this.#lent.delete(entry)));
  }

  #settle(batch: Entry[], outcome: Outcome, options: BatchOptions): void {
    if ("retry" in outcome) return this.#keep(batch, outcome, options);
    this.#failures = 0;
    for (const [index, entry] of batch.entries()) {
      // If it is not here, another flush has taken it back and sent it.
      if (!this.#lent.delete(entry)) continue;
      this.#bytes -= entry.bytes + OVERHEAD;
      const reason = outcome.refused.get(index);
      if (reason === undefined) entry.settle?.(outcome.ids?.[index] ?? JSON.parse(entry.json).id);
      else drop(entry, JSON.parse(entry.json), reason);
    }
  }

  /** The events stay as they are: whoever sends them again sends the same ids. */
  #keep(batch: Entry[], { retry, after = 0, tooLarge }: Unacknowledged, options: BatchOptions): void {
    const { host = platform, onRetry = warnAtFirst } = options;
    if (tooLarge && batch.length === 1) return this.#settle(batch, { refused: new Map([[0, retry]]) }, options);
    this.#giveBack(batch);
    if (tooLarge) return void (this.#most = batch.length >> 1);
    const backoff = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures) * (0.5 + host.random() / 2);
    this.#failures += 1;
    this.#pauseUntil = host.now() + Math.max(after, backoff);
    quietly(() => onRetry(retry, this.size, this.#failures));
  }
}

/** Keeps a request alive for some work. */
export function lasting(ctx: Context, work: Promise<unknown>): void {
  work.catch(() => {});
  // Outside of a request there is nothing to keep alive.
  quietly(() => ctx.waitUntil(work));
}

function drop({ onDrop = warn, settle }: Pick<Entry, "onDrop" | "settle">, event: unknown, reason: string): void {
  quietly(() => onDrop(event, reason));
  settle?.(new EventsError(reason));
}

function warn(_event: unknown, reason: string): void {
  console.warn(`aig-events: an event is dropped: ${reason}`);
}

function warnAtFirst(reason: string, kept: number, failures: number): void {
  if (failures === 1) console.warn(`aig-events: ${kept} events are kept and sent again: ${reason}`);
}

/** Does what must not fail a request: recording, and the caller's own code. */
export function quietly(act: () => void): void {
  try {
    act();
  } catch (error) {
    console.warn(`aig-events: ${(error as Error)?.message}`);
  }
}
