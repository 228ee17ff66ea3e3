// It stands where another product is bound: a stream of Pipelines (`send`) or a dataset of Analytics Engine
// (`writeDataPoint`). It keeps what it is given, in order, and fails while a test wants it to: `/fail` says with which
// message, and `/recorded` tells what was kept so far.
import { WorkerEntrypoint } from "cloudflare:workers";

let recorded = [];
let failure = null;

function record(method, given) {
  if (failure) throw new Error(failure);
  recorded.push({ method, given });
}

const routes = {
  "/recorded": () => recorded,
  "/fail": ({ message }) => {
    failure = message;
    return {};
  },
};

export default class extends WorkerEntrypoint {
  async send(records) {
    // A stream refuses anything else, which the runtime's own simulator hides.
    if (!Array.isArray(records)) throw new TypeError("a stream takes a list of records");
    record("send", records);
  }

  async writeDataPoint(point) {
    record("writeDataPoint", point);
  }

  async fetch(request) {
    return Response.json(routes[new URL(request.url).pathname](await request.json()));
  }
}
