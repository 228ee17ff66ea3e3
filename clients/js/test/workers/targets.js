import { ingestEvent, queryAnalytics } from "aig-events";

export default {
  async fetch(_request, env) {
    const to = { url: "https://events.example", key: env.EVENTS_ADMIN_KEY, fetch: env.EVENTS.fetch.bind(env.EVENTS) };
    await ingestEvent(env.STREAM, { event: "streamed" }, { throws: true });
    await ingestEvent(to, { event: "sent" }, { throws: true });
    return Response.json((await queryAnalytics(to, { start: "-1h", end: "now", groupBy: "name" })).rows);
  },
};
