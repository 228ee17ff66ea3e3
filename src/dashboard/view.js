// What the page is about just now: the instants, the zone and the filters of all panels, and the questions about them.

import * as range from "./range.js";

/** Fields of the API by the name that the state gives them. Events have none of these. */
const OF_LOGS = { gw: "gateway", provider: "provider", model: "model" };

/** The view of a state at an instant. */
export function view(state, now) {
  const { start, end } = range.read(state.range, now);
  const zone = range.zone(state.tz) ?? range.ownZone();
  return {
    state,
    now,
    start,
    end,
    zone,
    step: range.step(start, end, state.step),
    previous: range.compared(start, end, state.cmp),
    field: `metadata.${state.key || "team"}`,
    key: state.key || "team",
    budget: Number(state.budget) > 0 ? Number(state.budget) : null,
  };
}

/** The filters of a view; those of logs alone do not fit events. */
export function filters(view, dataset) {
  const { state } = view;
  const equal = (field, value) => ({ field, op: "eq", values: [value] });
  const of = [];
  if (dataset !== "events") {
    for (const [name, field] of Object.entries(OF_LOGS)) if (state[name]) of.push(equal(field, state[name]));
  }
  if (state.user) of.push(equal("user", state.user));
  if (state.value) of.push(equal(view.field, state.value));
  return of;
}

/** Whether filters are set that events cannot fulfil. */
export const hasLogFilters = (view) => Object.keys(OF_LOGS).some((name) => view.state[name]);

/** A question about the view, or about another time. */
export function question(view, members, span = view) {
  const { filters: further = [], ...rest } = members;
  const body = { start: range.iso(span.start), end: range.iso(span.end), ...rest };
  const all = [...filters(view, members.dataset), ...further];
  if (all.length > 0) body.filters = all;
  if (view.state.org) body.organizationId = view.state.org;
  const isStep = (name) => ["minute", "hour", "day", "week", "month"].includes(name);
  if ([members.groupBy ?? []].flat().some(isStep) || members.period) body.timeZone = view.zone;
  return { path: "/query", body };
}

/** A question of a template. It takes no filters. */
export function template(view, name, parameters, limit) {
  const body = { template: name, parameters, limit };
  if (view.state.org) body.organizationId = view.state.org;
  return { path: "/query", body };
}

/** Questions that several panels ask: asked once, they are answered once. */
export const shared = {
  steps: (view) =>
    question(view, {
      dataset: "logs", groupBy: view.step, metrics: ["count", "errors", "errorRate", "cost", "p50", "p95", "p99"], limit: 10_000,
    }),
  before: (view) =>
    question(view, { dataset: "logs", groupBy: view.step, metrics: ["cost"], limit: 10_000 }, view.previous),
  total: (view, span) =>
    question(view, { dataset: "logs", metrics: ["count", "errors", "errorRate", "cost", "p95", "cached", "tokensIn", "tokensCached", "unpriced"] }, span),
  models: (view) =>
    question(view, {
      dataset: "logs", groupBy: "model", metrics: ["cost", "count", "tokensIn", "tokensCached", "tokensOut", "p95", "errors", "errorRate", "cached", "unpriced"],
      orderBy: "-cost", limit: 200,
    }),
  hours: () => ({ path: "/metrics/pipeline" }),
  values: (view, span) =>
    question(view, { dataset: "logs", groupBy: view.field, metrics: ["cost", "count"], orderBy: "-cost", limit: 1_000 }, span),
};

/** The hours that are counted, and how many of them are proven: what the source has is there. */
export function proven(hours) {
  const counted = hours.filter((row) => row.verdict && row.verdict !== "counting");
  return { counted: counted.length, proven: counted.filter((row) => row.verdict === "proven" || row.verdict === "over").length };
}

/** The instants of the steps of an answer. */
export const stepTimes = (rows, unit) => rows.map((row) => Date.parse(row[unit]));
