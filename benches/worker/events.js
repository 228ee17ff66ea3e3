// What a batch takes at least: its JSON is read, and its rows are written in one statement. Nothing is checked.
const INSERT = `INSERT INTO events_raw (org, created_at, id, name, user_id, session_id, subject, success, status_code, duration,
  source, ingested_at, metadata) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
  value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value -> 12
  FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`;

const row = (event, now) => [
  "default", event.timestamp, event.id, event.event, event.userId, event.sessionId,
  `${event.properties.method} ${event.properties.path}`, event.performance.statusCode < 400 ? 1 : 0,
  event.performance.statusCode, event.performance.duration, "http", now, event.properties,
];

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== "/events/batch") return new Response(null, { status: 404 });
    const events = await request.json();
    const now = new Date().toISOString();
    const rows = JSON.stringify(events.map((event) => row(event, now)));
    const [{ meta }] = await env.EVENTS_DB.batch([env.EVENTS_DB.prepare(INSERT).bind(rows)]);
    return Response.json({ accepted: meta.changes, ids: events.map(({ id }) => id) }, { status: 202 });
  },
};
