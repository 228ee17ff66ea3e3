// A Durable Object that emits events. What it did and the event of it are kept in its storage together, and sent by its
// alarm.
import { EventEmitterDO } from "aig-events";
import { DurableObject } from "cloudflare:workers";

interface Env {
  EVENTS_PIPELINE: Fetcher;
  STARTUPS: DurableObjectNamespace<Startup>;
}

export class Startup extends EventEmitterDO(DurableObject<Env>) {
  override ns = "https://startups.studio";
  override types = { 1: "Startup" };

  async raise(amount: number): Promise<void> {
    await this.ctx.storage.put("raised", amount);
    await this.emitEvent("raised", { source: "Startup/acme", type: 1, actor: "Human/nathan", amount });
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    await env.STARTUPS.getByName(pathname).raise(Number(searchParams.get("amount")));
    return new Response("raised");
  },
};
