// Never run: `tsc` says whether these calls have the types that the API has.
import { EventBatcher, ingestEvent, queryAnalytics, trackAIUsage, EventType } from "aig-events";
const to = { url: "http://x", key: "k" };
new EventBatcher(to, { batchSize: 3, onDrop: (_event, reason) => console.warn(reason) });
void ingestEvent(to, { event: "a", usage: { quantity: 1 }, anything: [1] });
void queryAnalytics(to, { start: "-1d", end: "now", groupBy: ["day", "name"] }).then(({ rows, meta }) => [
  rows[0]?.count,
  meta.exact,
]);
export const name: "tool_invoked" = EventType.TOOL_INVOKED;
// @ts-expect-error a model is a text
void trackAIUsage({}, 5, 1);
// @ts-expect-error size is a number
new EventBatcher(to, { batchSize: "3" });
// @ts-expect-error there is no such metric
void queryAnalytics(to, { start: "-1d", end: "now", metrics: ["counts"] });
// @ts-expect-error a question of cohorts has a period
void queryAnalytics(to, { start: "-1d", end: "now" }, "/metrics/cohorts");
// @ts-expect-error cost is a number
void ingestEvent(to, { event: "a", cost: "1" } satisfies import("aig-events").Event);
