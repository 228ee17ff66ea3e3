import type { components } from "./openapi.ts";

type Schemas = components["schemas"];

/** An event of any dialect. docs/events.md lists the names of its fields; those that no column takes are kept. */
export type Event = Omit<Schemas["Event"], "properties"> & { properties?: object } & Record<string, unknown>;

/** What the API answers to a batch. */
export type Taken = Schemas["Taken"];

/** The API over HTTP. */
export interface Http {
  /** Its address, without a path. */
  url: string;
  /** A key with the scope `ingest`; `query` for questions. */
  key: string;
  /** What sends requests, if not the global `fetch`: `env.EVENTS.fetch.bind(env.EVENTS)`, for example. */
  fetch?: typeof fetch;
}

/** Where events go: the API over HTTP, or the Worker `aig-events` (or a stream of Pipelines) as a binding. */
export type Target = Http | object;

/** What keeps a Worker alive after its answer. */
export interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** Told of an event that will not be sent again, with the reason. */
export type OnDrop = (event: unknown, reason: string) => void;

export interface Options {
  /** False: nothing is sent, and nothing is told. */
  enabled?: boolean;
  /** The context of the request; in a Worker the current request's own, if none is given. */
  ctx?: Context;
  /** Default: a warning on the console, without the event. */
  onDrop?: OnDrop;
  /** True: a call waits for the acknowledgement, and rejects without one. */
  throws?: boolean;
  /** The clock and the timers, for tests. */
  host?: Host;
}

export interface BatchOptions extends Options {
  /** Events that wait before they are sent; default 100. A request holds at most 500 events and 1 MiB. */
  batchSize?: number;
  /** Milliseconds that an event waits at most, while a request or the process lives; default 5,000. */
  flushInterval?: number;
  /** Bytes of events that are kept at most, default 4 MiB. Beyond that a new event is dropped. */
  maxBytes?: number;
  /** Milliseconds that one flush tries for, default 15,000. What is not sent then is kept for the next one. */
  patience?: number;
  /** Told of each failure that will be tried again. Default: a warning on the console at the first one of a row. */
  onRetry?: (reason: string, kept: number, failures: number) => void;
}

/** The world: a clock, timers and chance. */
export interface Host {
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  setTimeout(act: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** A refused or failed call. Its message is the sentence of the API. */
export class EventsError extends Error {
  override name = "EventsError";
  constructor(
    message: string,
    /** The status of the answer; none: there was no answer, or it came over a binding. */
    readonly status?: number,
    /** The field of the question that is wrong. */
    readonly field?: string,
  ) {
    super(message);
  }
}
