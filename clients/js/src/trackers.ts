// The events of an API with users, costs and models, by the names under which the API reads points of Analytics Engine.
import { asHttp } from "./deliver.ts";
import { streamEvent } from "./ingest.ts";
import type { Http, Options, Target } from "./types.ts";

/** Names of bindings under which a Worker may have `aig-events`. The first one that is there counts. */
const BINDINGS = ["EVENTS", "ANALYTICS_INGESTION", "ANALYTICS_ENGINE", "UU_STREAM", "EVENTS_PIPELINE"];

/** Where the events of a Worker with this environment go: a binding, or the API at AIG_EVENTS_URL with AIG_EVENTS_KEY. */
export function targetOf(env: object): Target | undefined {
  const values = env as Record<string, unknown>;
  const http = { url: values.AIG_EVENTS_URL, key: values.AIG_EVENTS_KEY } as Http;
  const binding = BINDINGS.find((name) => values[name]);
  return binding ? (values[binding] as object) : asHttp(http);
}

type Sent = Promise<void>;

/** A request that was answered. Its query is left out. */
export const trackRequest = (
  env: object,
  request: Request,
  response: Response,
  duration: number,
  options?: Options,
): Sent => track(env, requested(request, response.status, duration), options);

/** The event of a request. */
export function requested(request: Request, status: number, duration: number): object {
  const { pathname } = new URL(request.url);
  const properties = { method: request.method, path: pathname, ray: request.headers.get("cf-ray") ?? undefined };
  return { event: "api.request", properties, performance: { duration, statusCode: status } };
}

export const trackProjectCost = (
  env: object,
  projectId: string,
  costType: string,
  amount: number,
  options?: Options,
): Sent =>
  track(
    env,
    { event: "project.cost", cost: amount, properties: { project_id: projectId, cost_type: costType } },
    options,
  );

/**
 * The use of a model. Of a call that went through AI Gateway its log has tokens and cost already: without the cost here,
 * sums over events and logs count it once.
 */
export const trackAIUsage = (env: object, model: string, tokens: number, cost?: number, options?: Options): Sent =>
  track(env, { event: "ai.usage", cost, usage: { quantity: tokens, unit: "tokens" }, properties: { model } }, options);

export const trackError = (env: object, errorType: string, message: string, path: string, options?: Options): Sent =>
  track(
    env,
    { event: "error", success: false, error: { message }, properties: { error_type: errorType, path } },
    options,
  );

export const trackUserEvent = (env: object, eventType: string, userId: string, options?: Options): Sent =>
  track(env, { event: "user.event", subject: eventType, userId }, options);

export const trackResource = (
  env: object,
  resource: string,
  projectId: string,
  quantity: number,
  unit?: string,
  options?: Options,
): Sent =>
  track(
    env,
    { event: "resource.used", usage: { quantity, unit, sku: resource }, properties: { project_id: projectId } },
    options,
  );

/** A batch of a queue that was consumed. */
export const trackQueue = (
  env: object,
  queue: string,
  messages: number,
  duration: number,
  success = true,
  options?: Options,
): Sent =>
  track(
    env,
    { event: "queue.batch", subject: queue, success, performance: { duration }, properties: { messages } },
    options,
  );

/** A query of a database: its name, not its text, which may hold values. */
export const trackQuery = (env: object, name: string, duration: number, rows?: number, options?: Options): Sent =>
  track(env, { event: "db.query", subject: name, performance: { duration }, properties: { rows } }, options);

export function track(env: object, event: object, options?: Options): Sent {
  return streamEvent(targetOf(env), event, options);
}
