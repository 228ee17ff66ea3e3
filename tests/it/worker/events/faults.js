// The Worker that receives events, with calls of the outside that fail as a test wants. `/strike` says which call fails
// and how, and answers the calls that were made since the last time. `/deliver` gives a message to the handler of the
// queue.
import { env } from "cloudflare:workers";
import Events from "events";

// The methods that answer without a promise.
const AT_ONCE = ["prepare", "bind", "ack", "retry"];

// `place`: the place of the call that fails, from 0. `isDone`: it does its work before it fails. `error`: the message that
// it throws, or `answer` in place of its own. `isAtOnce`: it throws in place of a promise. `isSilent`: it never ends; the time
// that the Worker waits for it is over at once.
let strike = {};
let calls = [];

// The statements of D1 behind those that are watched.
const statements = new WeakMap();

// What the Worker waits for, by its timer.
const timers = new Map();
const { setTimeout, clearTimeout } = globalThis;
globalThis.setTimeout = (run, ...given) => {
  const timer = setTimeout(run, ...given);
  timers.set(timer, run);
  return timer;
};
globalThis.clearTimeout = (timer) => {
  timers.delete(timer);
  clearTimeout(timer);
};

async function silence(work) {
  await work?.();
  for (const [timer, run] of timers) {
    clearTimeout(timer);
    setTimeout(run);
  }
  timers.clear();
  return new Promise(() => {});
}

function call(name, work) {
  const place = calls.push(name) - 1;
  if (place !== strike.place) return work();
  const { isDone, error, answer, isAtOnce, isSilent } = strike;
  if (isSilent) return silence(isDone ? work : null);
  const end = () => {
    if (error) throw new Error(error);
    return answer;
  };
  if (isAtOnce || AT_ONCE.includes(name.split(".")[1])) {
    if (isDone) work();
    return end();
  }
  return (async () => {
    if (isDone) await work();
    return end();
  })();
}

// A binding, or a statement of one, with each of its calls watched.
function watched(name, target) {
  const bare = (given) => (Array.isArray(given) ? given.map(bare) : (statements.get(given) ?? given));
  const get = (_, method) => (...given) =>
    call(`${name}.${method}`, () => {
      const answer = target[method](...given.map(bare));
      if (method !== "prepare" && method !== "bind") return answer;
      const statement = watched(name, answer);
      statements.set(statement, answer);
      return statement;
    });
  return new Proxy({}, { get });
}

const queue = watched("EVENTS_QUEUE", env.EVENTS_QUEUE);
for (const name of ["EVENTS_DB", "EVENTS_RATE_LIMIT", "STATE_KV"]) env[name] = watched(name, env[name]);

async function delivered(worker, text) {
  const said = [];
  const message = { id: "m", timestamp: new Date(), attempts: 1, body: text };
  const told = { ack: () => said.push("ack"), retry: () => said.push("retry") };
  for (const name of ["ack", "retry"]) message[name] = (...given) => call(`message.${name}`, () => told[name](...given));
  try {
    await worker.queue({ messages: [message] });
  } catch {
    said.push("failure");
  }
  return said;
}

export default class extends Events {
  async fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/strike": {
        const { isQueued, ...wanted } = await request.json();
        const made = calls;
        env.EVENTS_QUEUE = isQueued ? queue : undefined;
        [strike, calls] = [wanted, []];
        return Response.json(made);
      }
      case "/deliver":
        return Response.json(await delivered(this, await request.text()));
      default:
        return super.fetch(request);
    }
  }
}
