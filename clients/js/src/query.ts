import type { components } from "./openapi.ts";
import { EventsError, type Http } from "./types.ts";

type Schemas = components["schemas"];

/** The questions, by their paths. */
export interface Questions {
  "/query": Schemas["AnyQuestion"];
  "/metrics/performance": Schemas["FixedQuestion"];
  "/metrics/errors": Schemas["FixedQuestion"];
  "/metrics/users": Schemas["FixedQuestion"];
  "/metrics/cohorts": Schemas["Cohorts"];
  "/billing/usage": Schemas["FixedQuestion"];
}

/** Rows, and what is to know of them. */
export type Answer = Schemas["Table"];

/** Where Analytics Engine answers SQL. */
const ANALYTICS_ENGINE = "https://api.cloudflare.com/client/v4/accounts";

/** Asks a question. Rejects with an `EventsError` that says what to change. The key needs the scope `query`. */
export async function queryAnalytics<Path extends keyof Questions = "/query">(
  to: Http,
  question: Questions[Path],
  path?: Path,
): Promise<Answer>;
/** Asks Analytics Engine itself, of an account, in its own SQL. */
export async function queryAnalytics(accountId: string, apiToken: string, sql: string): Promise<unknown>;
export async function queryAnalytics(to: Http | string, question: unknown, rest: string = "/query"): Promise<unknown> {
  if (typeof to === "string") {
    return ask({ url: ANALYTICS_ENGINE, key: question as string }, `/${to}/analytics_engine/sql`, rest);
  }
  return ask(to, rest, JSON.stringify(question));
}

async function ask(to: Http, path: string, body: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${to.key}`, "content-type": "application/json" };
  const response = await (to.fetch ?? fetch)(to.url.replace(/\/+$/, "") + path, { method: "POST", headers, body });
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {}
  if (response.ok && answer) return answer;
  throw new EventsError(
    answer?.detail ?? `the answer has the status ${response.status}`,
    response.status,
    answer?.field,
  );
}
