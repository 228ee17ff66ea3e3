// An API that reported to an analytics service of its own. Its calls are as they were, and only the binding's service is
// another; what it did by hand, the middleware does under /api.
import { middleware, trackQuery } from "aig-events";
import { Hono } from "hono";

type Variables = { userId: string; organizationId: string };
type Env = { ANALYTICS_INGESTION: Fetcher & { ingestEvent(event: object): Promise<unknown> } };

const app = new Hono<{ Bindings: Env; Variables: Variables }>();

app.use("*", async (c, next) => {
  c.set("userId", "user_123");
  c.set("organizationId", "org_456");
  await next();
});
app.use("/api/*", middleware({ userAgent: true, fields: () => ({ sessionId: "session_1" }) }));

// The same by hand, as it was.
app.use("/by-hand/*", async (c, next) => {
  const startTime = Date.now();

  await next();

  await c.env.ANALYTICS_INGESTION.ingestEvent({
    event: "api.request",
    userId: c.get("userId"),
    properties: {
      method: c.req.method,
      path: new URL(c.req.url).pathname,
    },
    performance: {
      duration: Date.now() - startTime,
      statusCode: c.res.status,
    },
  });
});

app.get("/by-hand/users", (c) => c.json([]));

app.get("/api/users", async (c) => {
  await trackQuery(c.env, "all users", 3, 2);
  return c.json(["ada", "grace"], 200, { "content-length": "15" });
});

app.get("/api/fails", () => {
  throw new Error("the database is away");
});

app.post("/api/tokens", async (c) => {
  // Track AI token usage
  await c.env.ANALYTICS_INGESTION.ingestEvent({
    event: "usage.tracked",
    userId: "user_123",
    organizationId: "org_456",
    usage: {
      quantity: 1500,
      unit: "tokens",
      sku: "ai-text-generation",
    },
  });
  return c.body(null, 204);
});

export default app;
