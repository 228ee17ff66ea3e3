// An application that is older than the Worker which receives events: it has two streams and a dataset, and knows
// nothing of what is bound under their names.
export async function act(env, timestamp) {
  const user_id = { login: "jane.smith", email: "jane.smith@company.com", auth_method: "oauth" };
  await env.UU_STREAM.send([
    { user_id, event_name: "auth_success", timestamp, metadata: { provider: "github" } },
    { user_id, event_name: "tool_success", timestamp, metadata: { tool_name: "generateImage", execution_time_ms: 1250 } },
  ]);
  const ns = "https://startups.studio";
  const data = { type: "Startup", raisedAt: "2026-10-01", deep: [1, { x: null }] };
  await env.EVENTS_PIPELINE.send([
    { actionId: "a-1", ns, verb: "created", source: "Startup/acme", sourceType: data.type, data, timestamp },
  ]);
  const points = [
    { blobs: ["GET", "/users", "200"], doubles: [12.5, 1], indexes: ["ray-1"] },
    { blobs: ["ai-usage", "gpt", "tokens"], doubles: [840, 0.02, 1], indexes: ["gpt"] },
    { blobs: ["error", "Timeout", "/users"], doubles: [1], indexes: ["Timeout"] },
    { blobs: ["acme", "compute", "cost"], doubles: [1.5, 1], indexes: ["acme"] },
  ];
  for (const point of points) await env.ANALYTICS_ENGINE.writeDataPoint(point);
}
