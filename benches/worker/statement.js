// The statement with which the built Worker writes a batch, and nothing else. The first batch goes through that Worker, and
// tells the statement and its value. Each later request runs it again, with the keys of other rows.
import { env, withEnv } from "cloudflare:workers";
import Worker from "built";

const { EVENTS_DB } = env;
let statement;
let runs = 0;

// D1 as the built Worker sees it.
const watched = {
  prepare: (text) => ({
    bind(rows) {
      const [[, at, id]] = JSON.parse(rows);
      statement = { text, pieces: rows.split(key(at, id.split("-")[0])) };
      return EVENTS_DB.prepare(text).bind(rows);
    },
  }),
  batch: (statements) => EVENTS_DB.batch(statements),
};

// What the key of each row of a batch begins with.
const key = (at, number) => `"${at}","${number}-`;

export default class extends Worker {
  fetch(request) {
    if (request.url.endsWith("/events/batch")) return withEnv({ ...env, EVENTS_DB: watched }, () => super.fetch(request));
    return request.url.endsWith("/statement") ? run() : new Response(null, { status: 404 });
  }
}

async function run() {
  const { text, pieces } = statement;
  runs += 1;
  const rows = pieces.join(key(new Date().toISOString(), String(runs).padStart(6, "0")));
  const [{ meta }] = await EVENTS_DB.batch([EVENTS_DB.prepare(text).bind(rows)]);
  return new Response(null, { status: meta.changes === pieces.length - 1 ? 202 : 500 });
}
