// Events of a Durable Object. An event is written into the object's own storage, and sent by its alarm: what the object
// did and the event of it are kept together, and the event leaves the storage only once it is acknowledged.
import { bytesOf, deliver, fitting } from "./deliver.ts";
import { platform } from "./host.ts";
import { uuid7 } from "./stamp.ts";
import { targetOf } from "./trackers.ts";
import type { Target } from "./types.ts";

const PREFIX = "aig-outbox:";

/** Keys that the storage deletes with one call. */
const BATCH = 128;

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 300_000;

/** What is used of a Durable Object's storage. */
interface Storage {
  put(key: string, value: unknown): Promise<void>;
  list(options: { prefix: string; limit: number }): Promise<Map<string, unknown>>;
  delete(keys: string[]): Promise<unknown>;
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
}

/** What the mixin gives to an object. */
export interface Emitter {
  /** The namespace of the object's names, such as `https://startups.studio`. */
  ns: string;
  /** The names of types, where `data.type` is a number. */
  types: Record<number, string>;
  /** Keeps an event, which the alarm sends at once. Rejects only if the storage does. */
  emitEvent(verb: string, data: unknown): Promise<void>;
  /** Sends what is kept. Call it in an `alarm` of your own. */
  drainEvents(): Promise<void>;
  /** Where events go; default: a binding of the environment. */
  eventTarget(): Target | undefined;
  /** Told of an event that is refused. */
  onDrop(event: unknown, reason: string): void;
  /** Milliseconds until the next try, after so many failures. */
  pauseAfter(failures: number): number;
}

type Class<T = object> = new (...parameters: any[]) => T;
type AbstractClass<T = object> = abstract new (...parameters: any[]) => T;

/** `class Startup extends EventEmitterDO(DurableObject) {…}`. */
export function EventEmitterDO<Base extends AbstractClass>(
  base: Base,
): Base & AbstractClass<Emitter & { alarm(info?: any): Promise<void> }> {
  class WithOutbox extends (base as unknown as Class) implements Emitter {
    ns = "";
    types: Record<number, string> = {};
    readonly #storage: Storage;
    readonly #env: object;
    #failures = 0;

    constructor(...parameters: any[]) {
      super(...parameters);
      this.#storage = parameters[0].storage;
      this.#env = parameters[1];
    }

    async emitEvent(verb: string, data: unknown): Promise<void> {
      const { source, type, actor } = (data ?? {}) as Record<string, unknown>;
      const sourceType = typeof type === "number" ? this.types[type] : type;
      if (type !== undefined && !sourceType)
        return this.onDrop({ verb, data }, `the type ${type} has no name in types`);
      const now = platform.now();
      const id = uuid7(now);
      const event = {
        actionId: id,
        ns: this.ns || undefined,
        verb,
        source,
        sourceType,
        actor,
        data,
        timestamp: new Date(now).toISOString(),
      };
      let json;
      try {
        json = JSON.stringify(event);
      } catch {
        return this.onDrop(event, "it is no JSON");
      }
      // If we stop here: an alarm finds nothing to send. The other way round, an event would wait for the next one.
      if ((await this.#storage.getAlarm()) === null) await this.#storage.setAlarm(now);
      await this.#storage.put(PREFIX + id, json);
    }

    async alarm(info?: unknown): Promise<void> {
      await this.drainEvents();
      await (base.prototype as { alarm?(info?: unknown): Promise<void> }).alarm?.call(this, info);
    }

    async drainEvents(): Promise<void> {
      for (let most = BATCH; ;) {
        const kept = [...(await this.#storage.list({ prefix: PREFIX, limit: most }))] as [string, string][];
        if (!kept.length) return;
        const batch = kept.slice(0, fitting(kept.map(([, json]) => bytesOf(json))));
        let outcome = await deliver(
          this.eventTarget(),
          batch.map(([, json]) => json),
          platform,
        );
        if ("retry" in outcome) {
          if (!outcome.tooLarge) return this.#tryLater(outcome.after);
          most = batch.length >> 1;
          if (most) continue;
          outcome = { refused: new Map([[0, outcome.retry]]) };
          most = BATCH;
        }
        this.#failures = 0;
        for (const [index, reason] of outcome.refused) this.onDrop(JSON.parse(batch[index]![1]), reason);
        // If we stop here: the next alarm sends the same ids again, and they are counted once.
        await this.#storage.delete(batch.map(([key]) => key));
      }
    }

    #tryLater(after = 0): Promise<void> {
      this.#failures += 1;
      return this.#storage.setAlarm(platform.now() + Math.max(after, this.pauseAfter(this.#failures)));
    }

    eventTarget(): Target | undefined {
      return targetOf(this.#env);
    }

    onDrop(_event: unknown, reason: string): void {
      console.warn(`aig-events: an event is dropped: ${reason}`);
    }

    pauseAfter(failures: number): number {
      return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1));
    }
  }
  return WithOutbox as unknown as ReturnType<typeof EventEmitterDO<Base>>;
}
