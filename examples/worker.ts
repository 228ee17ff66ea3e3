// A Worker without a framework: requests, batches of a queue, and crons are recorded.
import { EventBatcher, withEvents } from "aig-events";

interface Env {
  EVENTS: Fetcher;
  ORDERS: Queue<{ order: number }>;
  ENVIRONMENT: string;
}

export default withEvents({
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname !== "/orders") return new Response("not found", { status: 404 });
    await env.ORDERS.send({ order: 7 });
    return new Response("ordered", { status: 201 });
  },

  async queue(batch: MessageBatch<{ order: number }>, env: Env): Promise<void> {
    const orders = new EventBatcher(env.EVENTS);
    for (const { body } of batch.messages) orders.add({ event: "order.shipped", properties: body });
  },

  async scheduled(): Promise<void> {},
});
