// Asks the API. It holds the key, which goes to no other host and into no address.

/** `aig-logs serve` answers four questions at once. */
const AT_ONCE = 4;

const KEY = "aig-key";

/** Why there is no answer. */
export class NoAnswer extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The key, which the fragment of the address may hold once. */
export function key() {
  const given = /^#key=(.+)$/.exec(location.hash);
  if (given) {
    setKey(decodeURIComponent(given[1]));
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}

export function setKey(text) {
  if (text) sessionStorage.setItem(KEY, text);
  else sessionStorage.removeItem(KEY);
}

/** Questions of one look at the data: equal ones are asked once, and `stop` ends those that nobody waits for. */
export class Asking {
  #answers = new Map();
  #stop = new AbortController();
  #running = 0;
  #bytes = null;
  #waiting = [];

  stop() {
    this.#stop.abort();
  }

  get isStopped() {
    return this.#stop.signal.aborted;
  }

  /** The bytes that a warehouse has read for the answers; null: none told any. */
  get bytes() {
    return this.#bytes;
  }

  /** The answer to a question; one without a body is a GET. */
  ask({ path, body }) {
    const name = path + JSON.stringify(body ?? null);
    if (!this.#answers.has(name)) {
      const answer = this.#inTurn(() => send(path, body, this.#stop.signal));
      // Asked again, it may be answered.
      answer.then(({ meta }) => this.#count(meta?.bytesRead), () => this.#answers.delete(name));
      this.#answers.set(name, answer);
    }
    return this.#answers.get(name);
  }

  #count(bytes) {
    if (bytes !== undefined) this.#bytes += bytes;
  }

  async #inTurn(work) {
    if (this.#running >= AT_ONCE) await new Promise((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

async function send(path, body, signal) {
  const headers = { authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` };
  if (body) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new NoAnswer("The server does not answer. Is it running, and is the network there?", 0);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw new NoAnswer(reason(response, answer), response.status);
}

function reason(response, answer) {
  const detail = typeof answer?.detail === "string" ? answer.detail : `the server answered ${response.status}`;
  const later = response.headers.get("retry-after");
  return later ? `${detail} (again in ${later} s)` : detail;
}
