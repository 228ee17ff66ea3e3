// A small server of the API: it keeps events by time and id, as the API promises, and fails as it is told to.

/** What a receiver can do with a request instead of answering as it should. */
export const FAULTS = [
  "refused",
  "lost",
  "kept and lost",
  "silent",
  "kept and silent",
  "busy",
  "limited",
  "closed",
  "page",
];

export class Receiver {
  /** Events by their key. */
  kept = new Map();
  /** Bodies, as they came. */
  requests = [];
  duplicates = 0;
  /** The fault of a request, by its number from 0; none: undefined. */
  fault = () => undefined;
  retryAfter = "2";

  /** The status, headers and body of an answer; "lost" or "silent" if there is none. */
  answer(body) {
    const fault = this.fault(this.requests.length);
    this.requests.push(body);
    if (fault === "lost" || fault === "silent") return fault;
    if (fault === "busy") return problem(503, "the database is away: send the same again");
    if (fault === "limited") return problem(429, "too many requests", { "retry-after": this.retryAfter });
    if (fault === "closed") return problem(401, "the key is unknown");
    if (fault === "page") return [200, { "content-type": "text/html" }, "<p>a proxy's own page</p>"];
    if (fault === "moved") return [302, { location: "https://elsewhere.example/" }, ""];
    if (fault === "short") return [202, {}, JSON.stringify({ accepted: 0, duplicates: 0, ids: [], refused: [] })];
    if (fault === "off") return [204, {}, ""];
    const events = JSON.parse(body);
    if (body.length > 1 << 20) return problem(413, "the body is larger than 1 MiB");
    if (fault === "small" && events.length > 3) return problem(413, "the body is too large");
    const taken = fault === "refused" ? refuse(events, () => true) : this.keep(events);
    if (fault === "kept and lost") return "lost";
    if (fault === "kept and silent") return "silent";
    if (taken.refused.length === events.length) return problem(422, "none could be taken", {}, taken);
    return [202, { "content-type": "application/json" }, JSON.stringify(taken)];
  }

  keep(events) {
    const taken = refuse(events, (event) => event.event === "bad");
    for (const event of events.filter((event) => event.event !== "bad")) {
      const key = `${event.timestamp} ${event.id}`;
      if (this.kept.has(key)) taken.duplicates += 1;
      else taken.accepted += 1;
      this.kept.set(key, event);
    }
    this.duplicates += taken.duplicates;
    return taken;
  }
}

function refuse(events, isBad) {
  const refused = events.flatMap((event, index) => (isBad(event) ? [{ index, reason: "the event is bad" }] : []));
  const ids = events.map((event) => (isBad(event) ? null : event.id));
  return { accepted: 0, duplicates: 0, ids, refused };
}

function problem(status, detail, headers = {}, members = {}) {
  return [
    status,
    { "content-type": "application/problem+json", ...headers },
    JSON.stringify({ status, title: "", detail, ...members }),
  ];
}
