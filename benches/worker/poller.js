// The same job as our forward pass, as one would write it in plain JavaScript: the yardstick for the CPU time of the Worker.
// It makes the same calls (scripts/bench.py compares the counts and the rows), for one gateway, and asks for one page after
// the other. It leaves out what takes no call of its own in most passes: counts at the source, the history, dead letters,
// rules for metadata, the shares of the rate limit.

const PER_PAGE = 50;
const BATCH = 500;
const TRIES = 3;
const PASS_MS = 50_000;
const ANSWER_MS = 30_000;
const IDS_TTL_SECONDS = 45 * 86_400;
const SCOPE = "https://www.googleapis.com/auth/bigquery.insertdata";
const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

const text = (value) => (typeof value === "string" ? value : undefined);
const float = (value) => (typeof value === "number" ? value : undefined);
const integer = (value) => (Number.isSafeInteger(value) ? value : undefined);
const bool = (value) => (value === true || value === 1 ? true : value === false || value === 0 ? false : undefined);

// The API gives metadata as text or as an object.
function json(value) {
  if (typeof value === "object") return JSON.stringify(value);
  try {
    JSON.parse(value);
    return value;
  } catch {
    return undefined;
  }
}

// How a field of an entry becomes the column of its name: sql/bigquery/1_table.sql.
const COLUMNS = new Map(Object.entries({
  id: text,
  created_at: text,
  provider: text,
  model: text,
  model_type: text,
  success: bool,
  status_code: integer,
  cached: bool,
  duration: float,
  tokens_in: integer,
  tokens_out: integer,
  cost: float,
  request_type: text,
  request_content_type: text,
  response_content_type: text,
  path: text,
  step: integer,
  custom_cost: bool,
  metadata: json,
  event_id: text,
  user_agent: text,
  feedback: integer,
  score: float,
  dlp_action: text,
  byok: bool,
  wholesale: bool,
}));

// The same for members of fields that are objects.
const MEMBERS = new Map(Object.entries({
  usage_metadata: new Map(Object.entries({ input_cached_tokens: integer, output_reasoning_tokens: integer })),
  timings: new Map(Object.entries({ latency: float })),
  location: new Map(Object.entries({ region: text, colo: text })),
}));

// Moves fields into the row, and gives those that fit no column; undefined where all do.
function take(fields, columns, row) {
  let rest;
  for (const name in fields) {
    let value = fields[name];
    if (value === null) continue;
    const members = columns === COLUMNS && typeof value === "object" && !Array.isArray(value) ? MEMBERS.get(name) : undefined;
    if (members) {
      value = take(value, members, row);
      if (value === undefined) continue;
    } else {
      const cell = columns.get(name)?.(value);
      if (cell !== undefined) {
        row[name] = cell;
        continue;
      }
    }
    (rest ??= {})[name] = value;
  }
  return rest;
}

function toRow(entry, gateway, ingested_at) {
  const row = { ingested_at, gateway };
  const rest = take(entry, COLUMNS, row);
  if (!row.id || Number.isNaN(Date.parse(row.created_at))) throw new Error("an entry has no id or no created_at");
  if (rest) row.extra = JSON.stringify(rest);
  return row;
}

// What outlives a pass.
let signingKey;
let token = { text: "", until: 0 };

export default {
  async scheduled(event, env) {
    const pass = { job: "forward", started: new Date().toISOString(), pages: 0, calls: 0, rows: 0, latenesses: [] };
    const stored = await env.STATE_KV.get(["forward", "status"], { type: "json", cacheTtl: 30 });
    const status = stored.get("status");
    try {
      await forward(env, pass, stored.get("forward") ?? { ts: new Date(0).toISOString(), at: [] });
      if (status?.forward) await env.STATE_KV.put("status", "{}");
    } catch (error) {
      console.error({ message: `forward failed: ${error.message}` });
      if (!status?.forward) await env.STATE_KV.put("status", JSON.stringify({ forward: { since: pass.started, error: error.message } }));
      throw error;
    }
    const report = tell(pass);
    if (pass.rows > 0) await insert(env, pass, "aig_runs", [report]);
    console.info({ level: "info", message: `forward ${report.verdict}, rows: ${pass.rows}`, cron: event.cron, ...report });
  },
};

// Copies what is new, and then remembers it.
async function forward(env, pass, cursor) {
  const gateway = env.AIG_GATEWAY_ID;
  const begin = Date.now();
  const until = new Date(begin - Number(env.SETTLE_SECONDS) * 1_000).toISOString();
  let { ts } = cursor;
  let known = new Set(cursor.at);
  let page = 1;
  let rows = [];
  const ids = [];
  let from;
  pass.verdict = "incomplete";
  while (Date.now() - begin < PASS_MS) {
    const entries = await list(env, pass, gateway, ts, until, page);
    const now = Date.now();
    const ingested_at = new Date(now).toISOString();
    const before = ts;
    for (const entry of entries) {
      if (entry.created_at === ts && known.has(entry.id)) continue;
      rows.push(toRow(entry, gateway, ingested_at));
      ids.push(entry.id);
      pass.latenesses.push(now - Date.parse(entry.created_at));
      from ??= entry.created_at;
      if (entry.created_at !== ts) {
        ts = entry.created_at;
        known = new Set();
      }
      known.add(entry.id);
    }
    if (rows.length >= BATCH) {
      await insert(env, pass, env.GCP_BQ_TABLE, rows.slice(0, BATCH));
      rows = rows.slice(BATCH);
    }
    if (entries.length < PER_PAGE) {
      pass.verdict = "complete";
      break;
    }
    // A page that one millisecond fills.
    page = ts === before ? page + 1 : 1;
  }
  pass.rows = ids.length;
  if (ids.length === 0) return;
  if (rows.length > 0) await insert(env, pass, env.GCP_BQ_TABLE, rows);
  const key = `ids:${gateway}:${from}:${new Date().toISOString()}`;
  const metadata = { from, to: ts, n: ids.length };
  await env.IDS_KV.put(key, ids.join("\n"), { expirationTtl: IDS_TTL_SECONDS, metadata });
  await env.STATE_KV.put("forward", JSON.stringify({ v: 1, ts, at: [...known] }));
}

// A page of the entries from a millisecond on: the last one that was read is shown again.
async function list(env, pass, gateway, from, until, page) {
  const after = new Date(Date.parse(from) - 1).toISOString();
  const filters = [
    { key: "created_at", operator: "gt", value: [after] },
    { key: "created_at", operator: "lt", value: [until] },
  ];
  const parameters = new URLSearchParams({
    page,
    per_page: PER_PAGE,
    order_by: "created_at",
    order_by_direction: "asc",
    filters: JSON.stringify(filters),
  });
  const logs = `${env.CLOUDFLARE_BASE_URL}/accounts/${env.CF_ACCOUNT_ID}/ai-gateway/gateways/${gateway}/logs`;
  pass.pages++;
  const answer = await call(pass, `${logs}?${parameters}`, { headers: { authorization: `Bearer ${env.CF_API_TOKEN}` } });
  if (!answer.success) throw new Error("the list of logs is refused");
  return answer.result;
}

async function insert(env, pass, table, rows) {
  const dataset = `projects/${env.GCP_BQ_PROJECT}/datasets/${env.GCP_BQ_DATASET}`;
  const base = env.BIGQUERY_EMULATOR_HOST || "https://bigquery.googleapis.com";
  const body = {
    skipInvalidRows: false,
    ignoreUnknownValues: false,
    rows: rows.map((json) => ({ insertId: json.id ?? json.run, json })),
  };
  const headers = { authorization: `Bearer ${await signIn(env, pass)}`, "content-type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await call(pass, `${base}/bigquery/v2/${dataset}/tables/${table}/insertAll`, request);
  if (answer.insertErrors?.length) throw new Error(`${table} refuses rows: ${answer.insertErrors[0].errors?.[0]?.reason}`);
}

// A token for an hour, and the key for as long as the instance lives.
async function signIn(env, pass) {
  const now = Date.now();
  if (now < token.until) return token.text;
  signingKey ??= await importKey(env.GCP_SA_PRIVATE_KEY_PEM);
  const uri = env.GCP_TOKEN_URI || "https://oauth2.googleapis.com/token";
  const iat = Math.floor(now / 1_000) - 10;
  const claims = { iss: env.GCP_SA_EMAIL, scope: SCOPE, aud: uri, iat, exp: iat + 3_300 };
  const unsigned = `${base64url(JSON.stringify({ alg: "RS256", typ: "JWT" }))}.${base64url(JSON.stringify(claims))}`;
  const signature = await crypto.subtle.sign(RS256.name, signingKey, new TextEncoder().encode(unsigned));
  const assertion = `${unsigned}.${base64url(String.fromCharCode(...new Uint8Array(signature)))}`;
  const body = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion });
  const { access_token, expires_in } = await call(pass, uri, { method: "POST", body });
  token = { text: access_token, until: now + (expires_in - 300) * 1_000 };
  return token.text;
}

function importKey(pem) {
  const base64 = pem.replaceAll("\\n", "").replaceAll(/-----[^-]+-----|\s/g, "");
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return crypto.subtle.importKey("pkcs8", bytes, RS256, false, ["sign"]);
}

function base64url(binary) {
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Sends a request, again where that may help, and parses the answer.
async function call(pass, address, { headers, ...init }) {
  for (let attempt = 1; ; attempt++) {
    pass.calls++;
    try {
      const answer = await fetch(address, {
        ...init,
        headers: { accept: "application/json", "user-agent": "poller", ...headers },
        redirect: "manual",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (answer.ok) return await answer.json();
      const words = `${new URL(address).host} answered ${answer.status}`;
      await answer.body?.cancel();
      if (answer.status !== 429 && answer.status < 500) throw Object.assign(new Error(words), { final: true });
      throw new Error(words);
    } catch (error) {
      if (error.final || attempt === TRIES) throw error;
    }
    await new Promise((done) => setTimeout(done, 1_000 * attempt * Math.random()));
  }
}

// The line of aig_runs, which is logged as well.
function tell({ job, started, verdict, rows, pages, calls, latenesses }) {
  latenesses.sort((a, b) => a - b);
  const late = (share) => latenesses[Math.ceil(share * latenesses.length) - 1];
  return {
    run: `${job}-${Date.parse(started)}-${Math.floor(Math.random() * 1e6)}`,
    started,
    finished: new Date().toISOString(),
    job,
    verdict,
    entries: rows,
    rows_written: rows,
    pages,
    calls,
    lateness_p50_ms: late(0.5),
    lateness_p95_ms: late(0.95),
  };
}
