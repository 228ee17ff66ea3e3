import { act } from "./application.js";

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
  // The answer is sent before the call has ended.
  async "/forget"({ binding, method, given }, env, context) {
    context.waitUntil(env[binding][method](given));
    return {};
  },
  // The application, with recorders or with this Worker under the names that it knows.
  async "/act"({ isRecorded, at }, env) {
    const names = ["UU_STREAM", "EVENTS_PIPELINE", "ANALYTICS_ENGINE"];
    try {
      await act(isRecorded ? Object.fromEntries(names.map((name) => [name, env.RECORDER])) : env, at);
      return {};
    } catch (error) {
      return { error: error.message };
    }
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
  async fetch(request, env, context) {
    const route = routes[new URL(request.url).pathname];
    if (route) return Response.json(await route(await request.json(), env, context));
    return env[request.headers.get("x-worker")].fetch(request);
  },
};
