// The statement with which the built Worker writes a batch, and nothing else. The first batch goes through that Worker, and
// tells its statement and its answer. For each later batch the statement is run again with the keys of other rows, and the
// answer is the same: of the request, nothing but its bytes is read.
import { env, withEnv } from "cloudflare:workers";
import Worker from "built";

const { EVENTS_DB } = env;
let statement, answer;
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
  async fetch(request) {
    if (!request.url.endsWith("/events/batch")) return super.fetch(request);
    if (statement) {
      await request.arrayBuffer();
      await run(statement);
    } else {
      const first = await withEnv({ ...env, EVENTS_DB: watched }, () => super.fetch(request));
      answer = { body: await first.text(), init: { status: first.status, headers: [...first.headers] } };
    }
    return new Response(answer.body, answer.init);
  }
}

async function run({ text, pieces }) {
  runs += 1;
  const rows = pieces.join(key(new Date().toISOString(), String(runs).padStart(6, "0")));
  const [{ meta }] = await EVENTS_DB.batch([EVENTS_DB.prepare(text).bind(rows)]);
  if (meta.changes !== pieces.length - 1) throw new Error(`${meta.changes} rows of ${pieces.length - 1} are new`);
}
