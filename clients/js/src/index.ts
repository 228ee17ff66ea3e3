export { EventBatcher } from "./batcher.ts";
export { EventEmitterDO, type Emitter } from "./durable.ts";
export { ingestEvent, streamEvent } from "./ingest.ts";
export { analyticsMiddleware, middleware, withEvents, type RecordOptions } from "./middleware.ts";
export type { components, paths } from "./openapi.ts";
export { flushAll } from "./outbox.ts";
export { queryAnalytics, type Answer, type Questions } from "./query.ts";
export * from "./streams.ts";
export {
  targetOf,
  trackAIUsage,
  trackError,
  trackProjectCost,
  trackQuery,
  trackQueue,
  trackRequest,
  trackResource,
  trackUserEvent,
} from "./trackers.ts";
export {
  EventsError,
  type BatchOptions,
  type Context,
  type Event,
  type Host,
  type Http,
  type OnDrop,
  type Options,
  type Taken,
  type Target,
} from "./types.ts";
