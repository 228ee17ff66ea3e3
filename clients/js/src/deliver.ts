// One request with a batch, and what its answer says: the only place that knows how the API answers.
import { within } from "./host.ts";
import type { Host, Http, Taken, Target } from "./types.ts";

/** Limits of one request. */
const MOST_EVENTS = 500;
const MOST_BYTES = 1 << 20;

/** A batch is acknowledged. */
export interface Acknowledged {
  /** Events, by their places, that are refused whenever they are sent. */
  refused: Map<number, string>;
  ids?: (string | null)[];
}

/** A batch is not acknowledged: the same events again. */
export interface Unacknowledged {
  retry: string;
  /** Milliseconds until then, at least. */
  after?: number | undefined;
  /** Fewer of them. */
  tooLarge?: boolean;
}

export type Outcome = Acknowledged | Unacknowledged;

/** Milliseconds after which a request without an answer counts as failed. */
export const ANSWER_TIMEOUT = 10_000;

/** Sends a batch of events, each as JSON. Never rejects. */
export async function deliver(to: Target | undefined, events: string[], host: Host): Promise<Outcome> {
  if (!to) return refuseAll(events.length, "there is no binding and no address to send to");
  const http = asHttp(to);
  const abort = new AbortController();
  const work = http ? overHttp(http, events, abort.signal, host) : overBinding(to as Binding, events);
  try {
    const outcome = await within(host, ANSWER_TIMEOUT, work);
    if (outcome) return outcome;
    abort.abort();
  } catch {
    // The message of what failed may hold an address with a password in it.
  }
  return { retry: "no answer" };
}

/** How many of these events, by their bytes, one request holds: one at least. */
export function fitting(bytes: number[], most = MOST_EVENTS): number {
  let count = 0;
  for (let sum = 2; count < Math.min(most, bytes.length); count += 1) {
    sum += bytes[count]! + 1;
    if (sum > MOST_BYTES && count) break;
  }
  return count;
}

/** The bytes of a text. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** A target over HTTP. A binding has any property: each is a method of another Worker. */
export function asHttp(to: Target): Http | undefined {
  const { url, key } = to as Http;
  return typeof url === "string" && typeof key === "string" ? (to as Http) : undefined;
}

async function overHttp(to: Http, events: string[], signal: AbortSignal, host: Host): Promise<Outcome> {
  const body = `[${events.join()}]`;
  const response = await (to.fetch ?? fetch)(`${to.url.replace(/\/+$/, "")}/events/batch`, {
    method: "POST",
    headers: { authorization: `Bearer ${to.key}`, "content-type": "application/json" },
    body,
    signal,
    // Another address would get the events as a GET, and its answer would mean nothing.
    redirect: "manual",
  });
  const { status, headers } = response;
  const answer = (await response.json().catch(() => undefined)) as Partial<Taken & { detail: string }> | undefined;
  // 204: the server is set to drop events.
  if (status === 204) return { refused: new Map() };
  if (status === 202 && isAnswerTo(answer, events.length)) return taken(answer);
  const detail = answer?.detail ?? "";
  if (answer?.refused && isAnswerTo(answer, events.length)) return taken(answer);
  if (status === 400 || status === 422) return refuseAll(events.length, detail || `status ${status}`);
  const after = retryAfter(headers.get("retry-after"), host.now());
  return { retry: `${status} ${detail}`.trim(), after, tooLarge: status === 413 };
}

function isAnswerTo(answer: Partial<Taken> | undefined, sent: number): answer is Taken {
  return (answer?.accepted ?? NaN) + (answer?.duplicates ?? NaN) + (answer?.refused?.length ?? 0) === sent;
}

function taken({ refused, ids }: Taken): Outcome {
  return { refused: new Map(refused?.map(({ index, reason }) => [index, reason])), ids };
}

function refuseAll(count: number, reason: string): Outcome {
  return { refused: new Map(Array.from({ length: count }, (_, index) => [index, reason])) };
}

/** The milliseconds that a `retry-after` in seconds or as a date means. */
function retryAfter(header: string | null, now: number): number | undefined {
  if (!header) return undefined;
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return milliseconds > 0 ? milliseconds : undefined;
}

interface Binding {
  ingestEvents?(events: object[]): Promise<Taken>;
  send?(events: object[]): Promise<void>;
}

async function overBinding(to: Binding, events: string[]): Promise<Outcome> {
  const given = events.map((event) => JSON.parse(event) as object);
  if (typeof to.ingestEvents !== "function") return overStream(to, given);
  try {
    return taken(await to.ingestEvents(given));
  } catch (error) {
    const message = told(error);
    // The name of a method that a stream does not have.
    if (message.includes('"ingestEvents"')) return overStream(to, given);
    const refusal = await refusalOf(to, given, message);
    return refusal ? refuseAll(given.length, refusal) : { retry: message };
  }
}

/** A stream of Pipelines takes a list, and answers nothing. */
async function overStream(to: Binding, events: object[]): Promise<Outcome> {
  if (typeof to.send !== "function")
    return refuseAll(events.length, "the binding takes no events: bind aig-events as a service");
  await to.send(events);
  return { refused: new Map() };
}

/**
 * Why no event of a batch could be taken; undefined if the call failed for another reason. Over a binding an error is a
 * sentence alone, and the one about a single event could say anything: the same event twice makes a sentence about a batch.
 */
async function refusalOf(to: Binding, [first]: object[], message: string): Promise<string | undefined> {
  const isOfAll = (text: string) => text.startsWith("none of the ");
  const failure = (events: object[]) => to.ingestEvents!(events).then(() => "", told);
  if (!isOfAll(message)) return isOfAll(await failure([first!, first!])) ? message : undefined;
  const reason = await failure([first!]);
  return reason ? `${message}; the first: ${reason}` : message;
}

function told(error: unknown): string {
  return String((error as Error)?.message ?? error);
}
