// A clock that jumps to the next timer, and a network of one receiver. No test sleeps.
import { Receiver } from "./receiver.js";

let worlds = 0;

export class World {
  time = Date.parse("2026-11-30T12:00:00Z");
  timers = new Map();
  #timer = 0;
  receiver = new Receiver();
  /** When each request came. */
  arrivals = [];
  dropped = [];
  retries = [];

  constructor(seed = 1) {
    this.random = generator(seed);
    // Each world has a key of its own, and so an outbox of its own.
    this.to = {
      url: "https://events.example/",
      key: `aig_secret_${(worlds += 1)}`,
      fetch: (url, init) => this.fetch(url, init),
    };
    this.host = {
      now: () => this.time,
      random: this.random,
      setTimeout: (act, milliseconds) => {
        this.timers.set((this.#timer += 1), { at: this.time + Math.max(milliseconds, 0), act });
        return this.#timer;
      },
      clearTimeout: (timer) => this.timers.delete(timer),
    };
    this.options = {
      host: this.host,
      onDrop: (event, reason) => this.dropped.push({ event, reason }),
      onRetry: (reason, kept) => this.retries.push({ reason, kept }),
    };
  }

  /** Requests whose sender gave up. */
  aborted = 0;
  /** Whether answers are held back, and those that are. */
  isLate = false;
  late = [];

  async fetch(url, { method, headers, body, signal, redirect }) {
    signal.addEventListener("abort", () => (this.aborted += 1));
    if (redirect !== "manual" || method !== "POST" || url !== "https://events.example/events/batch")
      throw new Error(`${method} ${url}`);
    if (headers.authorization !== `Bearer ${this.to.key}`) throw new Error("the key is missing");
    this.arrivals.push(this.time);
    const answer = this.receiver.answer(body);
    if (answer === "lost") throw new TypeError(`cannot connect to https://user:password@events.example`);
    if (answer === "silent")
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    if (this.isLate) await new Promise((release) => this.late.push(release));
    const [status, headersOfAnswer, text] = answer;
    return new Response(status === 204 ? null : text, { status, headers: headersOfAnswer });
  }

  /** Lets time pass. */
  async pass(milliseconds) {
    const end = this.time + milliseconds;
    for (;;) {
      await settled();
      const next = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!next) break;
      const [timer, { at, act }] = next;
      this.timers.delete(timer);
      this.time = Math.max(this.time, at);
      act();
    }
    this.time = end;
  }

  /** Lets time pass until this is done. */
  async until(work) {
    let isDone = false;
    const result = Promise.resolve(work).finally(() => (isDone = true));
    result.catch(() => {});
    for (let second = 0; !isDone && second < 600; second += 1) await this.pass(1_000);
    if (!isDone) throw new Error("it is not done after ten minutes");
    return result;
  }

  /** Events of the receiver by a field. */
  kept(field = "event") {
    return [...this.receiver.kept.values()].map((event) => event[field]);
  }
}

/** Everything that can go on without a timer has gone on. */
export function settled() {
  return new Promise((done) => setImmediate(done));
}

/** The same numbers for the same seed (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
