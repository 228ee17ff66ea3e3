// The built Worker, and in their order its calls of bindings and of the network, and its answers. Whoever asks for a path of
// `controls` is told them, or holds the answers of D1 back.
import { env, withEnv } from "cloudflare:workers";
import Worker from "built";

const REAL = Symbol("what is watched");
let told = [];
// While D1's answers are held back: what lets each of them go.
let held = null;

const controls = {
  "/told": () => told.splice(0),
  "/hold": () => {
    held = [];
  },
  "/release": ({ error }) => {
    for (const { resolve, reject } of held) error ? reject(new Error(error)) : resolve();
    held = null;
  },
};

// A binding: each call that has a promise for an answer is told.
function watched(name, target) {
  return new Proxy({}, {
    get(_, member) {
      if (member === REAL) return target;
      const value = target[member];
      if (typeof value === "object" && value) return watched(`${name}.${member}`, value);
      if (typeof value !== "function") return value;
      return (...given) => {
        const answer = value.apply(target, given.map(real));
        if (typeof answer?.then !== "function") return watched(name, answer);
        told.push(`${name}.${member}`);
        return name === "EVENTS_DB" && held ? hold(answer) : answer;
      };
    },
  });
}

const real = (given) => (Array.isArray(given) ? given.map(real) : (given?.[REAL] ?? given));

async function hold(answer) {
  const released = Promise.withResolvers();
  held.push(released);
  const known = await answer;
  await released.promise;
  return known;
}

const bindings = Object.fromEntries(
  Object.entries(env).map(([name, value]) => [name, typeof value === "object" ? watched(name, value) : value]),
);
const network = watched("network", { fetch: globalThis.fetch.bind(globalThis), caches: globalThis.caches });
globalThis.fetch = network.fetch;
globalThis.caches = network.caches;

export default class extends Worker {
  async fetch(request) {
    const control = controls[new URL(request.url).pathname];
    if (control) return Response.json(control(await request.json()) ?? null);
    return this.telling(() => super.fetch(request), ({ status }) => status);
  }

  ingestEvents(events) {
    return this.telling(() => super.ingestEvents(events), () => "ingestEvents");
  }

  async telling(call, words) {
    const answer = await withEnv(bindings, call);
    told.push(`answered ${words(answer)}`);
    return answer;
  }
}
