// Hono with the middleware and the trackers of points for Analytics Engine. Only the imports are new, and the binding,
// which is now the service `aig-events`.
import {
  analyticsMiddleware,
  trackAIUsage,
  trackError,
  trackProjectCost,
  trackRequest,
  trackResource,
  trackUserEvent,
} from "aig-events";
import { Hono } from "hono";

type Bindings = {
  ANALYTICS_ENGINE: AnalyticsEngineDataset;
};

const app = new Hono<{ Bindings: Bindings }>();

// Apply analytics middleware to all routes
app.use("*", analyticsMiddleware);

// Your routes
app.get("/", (c) => c.text("MeauxCLOUD"));

app.get("/tracked", async (c) => {
  // Track a simple event
  await c.env.ANALYTICS_ENGINE.writeDataPoint({
    blobs: ["user-login", "google-oauth"],
    doubles: [1], // count
    indexes: ["user-123"],
  });
  await trackRequest(c.env, c.req.raw, new Response("", { status: 201 }), 45.5);
  await trackProjectCost(c.env, "project-1", "compute", 1.5);
  await trackAIUsage(c.env, "@cf/meta/llama-3", 840, 0.02);
  await trackError(c.env, "Timeout", "no answer in 10 s", "/users");
  await trackUserEvent(c.env, "click", "user-123");
  await trackResource(c.env, "storage", "project-1", 12);
  return c.text("tracked");
});

export default app;
