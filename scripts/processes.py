"""Processes for `scripts/soak` and `scripts/bench`: services that end with whoever started them, and the Worker in
workerd as `wrangler dev` runs it."""

import json
import os
import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Kills the whole group when the input ends, and so also when this script is killed.
GUARD = '("$@"; kill -KILL 0) & read -r _; kill -KILL 0'
CRONS = {"forward": "*/1 * * * *", "backfill": "0 * * * *"}


class Service:
    """A process that serves until it is stopped, with all it starts."""

    def __init__(self, command, folder, ready, environment):
        self.log = folder / f"{pathlib.Path(command[0]).name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "sh", *map(str, command)],
                cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )
        self.base = self.wait_for(ready)

    def wait_for(self, ready):
        for _ in range(600):
            found = re.search(ready, self.log.read_text(errors="replace"))
            if found:
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"{self.log} does not say that it is ready")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Simulator:
    """`aig-logs simulate`, with its settings in the folder's `.dev.vars`."""

    def __init__(self, binary, folder, arguments, settings):
        self.folder = folder
        folder.mkdir(parents=True)
        command = [binary, "simulate", "--port", "0", "--vars", ".dev.vars", *arguments]
        self.service = Service(command, folder, r"at (http://\S+) until", {})
        with (folder / ".dev.vars").open("a") as file:
            file.writelines(f'{name}="{value}"\n' for name, value in settings.items())

    def ask(self, path, method="GET", body=None):
        request = urllib.request.Request(f"{self.service.base}/simulator/{path}", method=method, data=body)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def lines(self, path):
        return [json.loads(line) for line in self.ask(path).splitlines()]

    def stop(self):
        self.service.stop()


class Workerd:
    """A Worker in `wrangler dev`, with the project's own configuration, or that of one of its environments, and the folder's
    `.dev.vars`."""

    def __init__(self, folder, worker, environment=""):
        self.folder = folder
        self.environment = {
            "PATH": f"{ROOT / 'node_modules/.bin'}:/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder),
            "WRANGLER_SEND_METRICS": "false", "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        }
        self.wrangler = [ROOT / "node_modules/.bin/node", ROOT / "node_modules/.bin/wrangler"]
        configuration = (ROOT / "wrangler.toml").read_text()
        configuration = re.sub(r"\[(env\.\w+\.)?build\]\n(.+\n)*", "", configuration)
        built = f"build/{environment}/index.js" if environment else "build/index.js"
        configuration = configuration.replace(f'main = "{built}"', f"main = {json.dumps(str(worker))}")
        (folder / "wrangler.toml").write_text(configuration)
        dev = ["dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", "--persist-to", "state"]
        dev += ["--show-interactive-dev-session=false", f"--env={environment}"]
        self.service = Service([*self.wrangler, *dev], folder, r"Ready on (http://\S+)", self.environment)

    def tick(self, job):
        """Fires the job's cron, or one of that name, and says what came of it: ok, or exception."""
        cron = urllib.parse.quote_plus(CRONS.get(job, job))
        address = f"{self.service.base}/cdn-cgi/local/scheduled?cron={cron}&format=json"
        try:
            with urllib.request.urlopen(address, timeout=900) as answer:
                return json.load(answer)["outcome"]
        except urllib.error.HTTPError as error:
            return json.load(error)["outcome"]

    def processes(self):
        """Ids of the workerd processes that belong to it."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(process.name)) == self.service.process.pid and (process / "comm").read_text() == "workerd\n":
                    found.append(int(process.name))
            except OSError:
                # It has just ended.
                pass
        return found

    def kv(self, *arguments):
        """What `wrangler kv` prints of `STATE_KV`."""
        command = [*self.wrangler, "kv", *arguments, "--local", "--binding", "STATE_KV", "--persist-to", "state"]
        output = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, check=True)
        return output.stdout.decode()

    def stop(self):
        self.service.stop()
