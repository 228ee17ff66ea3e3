// `aig-logs serve` over a file of its own. AIG_LOGS_BIN names the program.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saying } from "./process.js";

const program = process.env.AIG_LOGS_BIN;

/** Why tests against the server are left out; false if they are not. */
export const leftOut = program ? false : "AIG_LOGS_BIN is not set";

/** Starts the server on this port, or on a free one, over a new file or over this one. */
export async function serve({ port = 0, folder = mkdtempSync(join(tmpdir(), "aig-events-")), settings = {} } = {}) {
  const file = join(folder, "events.sqlite");
  const env = { ...settings, HOME: folder, PATH: "" };
  const child = spawn(program, ["serve", "--db", file, "--listen", `127.0.0.1:${port}`], { cwd: folder, env });
  const [url] = await saying(child, /http:\/\/[\d.]+:\d+/).match;
  return {
    url,
    folder,
    /** A key of an org. */
    key(scopes = "ingest,query", org = "acme") {
      const options = ["keys", "create", "--json", "--db", file, "--org", org, "--scopes", scopes];
      return JSON.parse(execFileSync(program, options, { cwd: folder, env })).key;
    },
    /** Ends it at once, wherever it is. */
    async kill() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
    async end() {
      await this.kill();
      rmSync(folder, { recursive: true });
    },
  };
}
