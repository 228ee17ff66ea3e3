// Sends a request on to the Worker that `x-worker` names, and reads and writes that Worker's events.
export default {
  async fetch(request, env) {
    const worker = request.headers.get("x-worker");
    if (new URL(request.url).pathname !== "/sql") return env[worker].fetch(request);
    return Response.json((await env[`${worker}_EVENTS`].prepare(await request.text()).run()).results);
  },
};
