// Workers in the Workers runtime, `wrangler dev`, each bound to a Worker `aig-events` with a database of its own.
// AIG_LOGS_EVENTS_WORKER names the built Worker's index.js.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { saying } from "./process.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const built = process.env.AIG_LOGS_EVENTS_WORKER;

/** Why tests in the runtime are left out; false if they are not. */
export const leftOut = built ? false : "AIG_LOGS_EVENTS_WORKER is not set";

/** A key of all orgs and scopes. */
export const ADMIN = "an admin key of the tests";

/**
 * Starts these Workers: by name, an example with its own configuration; or the main file, the names of bindings under
 * which it has its events, and further configuration.
 */
export async function run(workers) {
  const folder = mkdtempSync(join(tmpdir(), "aig-events-workerd-"));
  const configurations = configure(workers).map(({ name, text }) => {
    mkdirSync(join(folder, name));
    const file = join(folder, name, text.startsWith("{") ? "wrangler.json" : "wrangler.toml");
    writeFileSync(file, text);
    writeFileSync(join(folder, name, ".dev.vars"), `EVENTS_ADMIN_KEY="${ADMIN}"`);
    return ["--config", file];
  });
  const tools = join(root, "node_modules/.bin");
  const options = ["--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", "--show-interactive-dev-session=false"];
  const child = spawn(
    join(tools, "node"),
    [join(tools, "wrangler"), "dev", ...options, ...configurations.flat(), "--persist-to", join(folder, "state")],
    {
      cwd: folder,
      detached: true,
      env: {
        PATH: `${tools}:/usr/bin:/bin`,
        HOME: folder,
        TMPDIR: folder,
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
      },
    },
  );
  const { said, match } = saying(child, /Ready on (http:\/\/[\d.:]+)/);
  const [, address] = await match;
  return {
    said,
    worker: (name) => new Running(name, address, said),
    async end() {
      process.kill(-child.pid, "SIGKILL");
      await once(child, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

class Running {
  constructor(name, address, said) {
    Object.assign(this, { name, address, said });
  }

  /** The text of an answer, and its status. */
  async ask(path, init = {}) {
    const response = await fetch(this.address + path, { ...init, headers: { ...init.headers, "x-worker": this.name } });
    return { status: response.status, text: await response.text() };
  }

  async rows(statement) {
    const { status, text } = await this.ask("/sql", { method: "POST", body: statement });
    if (status !== 200) throw new Error(`${text}\n${this.said.text}`);
    return JSON.parse(text);
  }

  async makeTables() {
    const folder = join(root, "sql/sqlite");
    const texts = readdirSync(folder)
      .sort()
      .map((name) => readFileSync(join(folder, name), "utf8"));
    for (const text of texts.filter((text) => text.includes("CREATE TABLE"))) await this.rows(text);
  }

  /** The rows of a statement, once there are so many. */
  async wait(count, statement, milliseconds = 20_000) {
    const end = Date.now() + milliseconds;
    for (;;) {
      const rows = await this.rows(statement);
      if (rows.length >= count) return rows;
      if (Date.now() > end)
        throw new Error(`${rows.length} rows of ${count}:\n${JSON.stringify(rows)}\n${this.said.text}`);
    }
  }
}

/** The configuration of each Worker, of its events, and of the router before all of them. */
function configure(workers) {
  const text = readFileSync(join(root, "wrangler.toml"), "utf8");
  const compatibility_date = text.match(/compatibility_date = "(.*)"/)[1];
  const vars = Object.fromEntries(
    [...text.split("[env.events.vars]\n")[1].matchAll(/^(\w+) = "(.*)"/gm)].map(([, name, value]) => [name, value]),
  );
  const names = Object.keys(workers);
  const database = (name, binding) => ({
    binding,
    database_name: name,
    database_id: `d1d1d1d1-0000-4000-8000-${String(names.indexOf(name)).padStart(12, "0")}`,
  });
  const json = (configuration) => ({
    name: configuration.name,
    text: JSON.stringify({ compatibility_date, ...configuration }),
  });
  const router = json({
    name: "router",
    main: join(root, "clients/js/test/workers/router.js"),
    services: names.map((name) => ({ binding: name, service: name })),
    d1_databases: names.map((name) => database(name, `${name}_EVENTS`)),
  });
  const eventsOf = (name) =>
    json({
      name: `events-${name}`,
      main: built,
      compatibility_flags: ["no_nodejs_compat", "no_nodejs_compat_v2"],
      vars,
      d1_databases: [database(name, "EVENTS_DB")],
    });
  const application = (name) => {
    if (typeof workers[name] === "string") return { name, text: example(name, workers[name]) };
    const { main, bindings, services = [], ...others } = workers[name];
    const bound = bindings.map((binding) => ({ binding, service: `events-${name}` }));
    return json({ name, main: join(root, main), services: [...bound, ...services], ...others });
  };
  const withEvents = names.filter((name) => workers[name].bindings?.length !== 0);
  return [router, ...names.map(application), ...withEvents.map(eventsOf)];
}

/** An example's own configuration, with the events of the tests. */
function example(name, of) {
  const text = readFileSync(join(root, `examples/${of}.toml`), "utf8");
  const changed = [
    [`name = "${of}"`, `name = "${name}"`],
    [`main = "${of}.ts"`, `main = ${JSON.stringify(join(root, `examples/${of}.ts`))}`],
    ['service = "aig-events"', `service = "events-${name}"`],
  ];
  return changed.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`examples/${of}.toml has no line ${from}`);
    return text.replace(from, to);
  }, text);
}
