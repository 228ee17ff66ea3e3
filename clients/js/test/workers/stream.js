import { WorkerEntrypoint } from "cloudflare:workers";

// A stream of Pipelines: it takes lists, and has no other method.
export default class extends WorkerEntrypoint {
  async send(events) {
    if (!Array.isArray(events)) throw new TypeError("a list of events");
    await this.env.EVENTS.send(events);
  }
}
