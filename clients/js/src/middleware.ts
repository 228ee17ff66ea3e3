// Records what a Worker does, without a line in its own code. The answer never waits, and never fails, for an event.
import { platform } from "./host.ts";
import { streamEvent } from "./ingest.ts";
import { flushAll, lasting, quietly } from "./outbox.ts";
import { requested, targetOf } from "./trackers.ts";
import type { BatchOptions, Context, Host, Target } from "./types.ts";

export interface RecordOptions extends BatchOptions {
  /** Where events go, if not to a binding of the environment. */
  to?: Target;
  /** Further fields of each event, such as `userId`. */
  fields?: (request: Request, env: object) => object;
  /** Whether the browser's name is recorded; default false. */
  userAgent?: boolean;
}

/** What is used of Hono's context. */
interface HonoContext {
  req: { raw: Request };
  res: Response;
  env: unknown;
  readonly executionCtx: Context;
  get(name: never): unknown;
}

type HonoMiddleware = (c: HonoContext, next: () => Promise<void>) => Promise<void>;

/** Middleware for Hono. The user and the org are those that the application sets: `c.set("userId", …)`. */
export function middleware(options: RecordOptions = {}): HonoMiddleware {
  return async (c, next) => {
    const { host = platform } = options;
    const start = host.now();
    const ended = (response: Response | undefined) => {
      const variable = (name: string) => c.get(name as never);
      const user = { userId: variable("userId"), organizationId: variable("organizationId") };
      const call = { options, env: c.env as object, ctx: contextOf(c) };
      quietly(() => record(call, c.req.raw, response, host.now() - start, user));
    };
    try {
      await next();
    } catch (error) {
      ended(undefined);
      throw error;
    }
    ended(c.res);
  };
}

/** The middleware without options: `app.use("*", analyticsMiddleware)`. */
export const analyticsMiddleware: HonoMiddleware = middleware();

/** The handlers of a Worker that are recorded: requests, batches of queues, crons. */
export interface Handler {
  fetch?(request: any, env: any, ctx: any): unknown;
  queue?(batch: any, env: any, ctx: any): unknown;
  scheduled?(controller: any, env: any, ctx: any): unknown;
}

/** A Worker that records what it does: `export default withEvents({ fetch() {…} })`. */
export function withEvents<H extends Handler>(handler: H, options: RecordOptions = {}): H {
  const { host = platform } = options;
  const { fetch, queue, scheduled } = handler;
  const recorded: Handler = { ...handler };
  if (fetch) {
    recorded.fetch = (request: Request, env, ctx) => {
      const work = () => fetch.call(handler, request, env, ctx);
      return timed(host, work, (duration, response) =>
        record({ options, env, ctx }, request, response as Response | undefined, duration),
      );
    };
  }
  if (queue) {
    recorded.queue = (batch, env, ctx) => {
      const work = () => queue.call(handler, batch, env, ctx);
      const properties = { messages: batch.messages.length };
      return timed(host, work, (duration, _, success) =>
        send(
          { options, env, ctx },
          { event: "queue.batch", subject: batch.queue, success, performance: { duration }, properties },
        ),
      );
    };
  }
  if (scheduled) {
    recorded.scheduled = (controller, env, ctx) => {
      const work = () => scheduled.call(handler, controller, env, ctx);
      return timed(host, work, (duration, _, success) =>
        send(
          { options, env, ctx },
          { event: "cron.run", subject: controller.cron, success, performance: { duration } },
        ),
      );
    };
  }
  return recorded as H;
}

/** One call of the platform. */
interface Call {
  options: RecordOptions;
  env: object | undefined;
  ctx: Context | undefined;
}

type End = (duration: number, result: unknown, success: boolean) => void;

/** Does the work, and then tells how long it took, even if it fails. */
async function timed(host: Host, work: () => unknown, end: End): Promise<unknown> {
  const start = host.now();
  let result: unknown;
  let success = false;
  try {
    result = await work();
    success = true;
    return result;
  } finally {
    quietly(() => end(host.now() - start, result, success));
  }
}

/** No response: the application failed, and the platform answers 500. */
function record(call: Call, request: Request, response: Response | undefined, duration: number, user = {}): void {
  const { options, env } = call;
  const event = requested(request, response?.status ?? 500, duration) as { properties: object };
  const length = response?.headers.get("content-length");
  const properties = {
    ...event.properties,
    environment: (env as { ENVIRONMENT?: string } | undefined)?.ENVIRONMENT ?? "production",
    bytes: length ? Number(length) : undefined,
    user_agent: options.userAgent ? request.headers.get("user-agent") : undefined,
  };
  let fields: object | undefined;
  quietly(() => (fields = options.fields?.(request, env ?? {})));
  send(call, { ...event, properties, ...user, ...fields });
}

/** Sends the event, and all that other code of this Worker has collected. */
function send({ options, env, ctx }: Call, event: object): void {
  const { to = targetOf(env ?? {}), throws, ...rest } = options;
  void streamEvent(to, event, ctx ? { ...rest, ctx } : rest);
  if (ctx) lasting(ctx, flushAll(rest));
}

/** Hono throws where there is no context, as in Node. */
function contextOf(c: HonoContext): Context | undefined {
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}
