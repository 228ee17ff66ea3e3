import { EventBatcher } from "aig-events";

// Answers what it is told of these events.
export default {
  async fetch(request, env) {
    const told = [];
    const patience = Number(request.headers.get("patience"));
    const onDrop = (_, reason) => told.push(reason);
    const batcher = new EventBatcher(env.EVENTS, {
      onDrop,
      onRetry: (reason) => told.push(`again: ${reason}`),
      patience,
    });
    for (const event of await request.json()) batcher.add(event);
    await batcher.flush();
    return Response.json(told);
  },
};
