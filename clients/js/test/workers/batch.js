import { EventBatcher, withEvents } from "aig-events";

export default withEvents({
  fetch(_request, env) {
    const batcher = new EventBatcher(env.UU_STREAM, { flushInterval: 3_600_000 });
    for (let n = 0; n < 3; n += 1) batcher.add({ event: "batched", properties: { n } });
    return new Response("ok");
  },
});
