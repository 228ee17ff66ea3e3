// Another Worker of the account: it calls the Worker that receives events over service bindings, and looks into the
// database and the namespace that both are bound to. Every other request goes on to the Worker that `x-worker` names.
const routes = {
  async "/sql"({ text, values }, env) {
    const { results, meta } = await env.EVENTS_DB.prepare(text).bind(...values).run();
    return { results, meta };
  },
  async "/call"({ binding, method, given }, env) {
    try {
      return { answer: (await env[binding][method](given)) ?? null };
    } catch (error) {
      return { error: error.message };
    }
  },
  // As code that has a dataset does: nobody waits.
  async "/forget"({ binding, method, given }, env) {
    env[binding][method](given);
    return {};
  },
  async "/kept"(_, env) {
    const { keys } = await env.STATE_KV.list();
    return Promise.all(keys.map(async ({ name, metadata }) => ({ name, metadata, value: await env.STATE_KV.get(name) })));
  },
  async "/queue"({ messages }, env) {
    await env.EVENTS_QUEUE.sendBatch(messages.map((body) => ({ body, contentType: "text" })));
    return {};
  },
};

export default {
  async fetch(request, env) {
    const route = routes[new URL(request.url).pathname];
    if (route) return Response.json(await route(await request.json(), env));
    return env[request.headers.get("x-worker")].fetch(request);
  },
};
