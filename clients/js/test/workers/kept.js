import { EventBatcher, streamEvent } from "aig-events";

export default {
  async fetch(request, env) {
    const options = { patience: 0, onRetry() {} };
    const { pathname } = new URL(request.url);
    if (pathname === "/flush") await new EventBatcher(env.EVENTS, options).flush();
    else await streamEvent(env.EVENTS, { event: pathname.slice(1) }, options);
    return new Response("ok");
  },
};
