"""The lines of `scripts/bench` of the Worker that receives events: its size, and what a batch takes of the runtime's CPU."""

import gzip
import json
import shutil
import statistics
import subprocess
import time
import urllib.error
import urllib.request

from processes import ROOT, Workerd

KEY = "the-key-of-the-benchmark-and-of-nothing-else"
# Events of a batch, requests of a round, and rounds. The first round warms the runtime up.
BATCH = 100
REQUESTS = 200
ROUNDS = 6
# Kilobytes of the Worker, and milliseconds of its own CPU of a batch above an empty request.
LARGEST = 400
MOST = 3


def size(worker):
    packed = len(gzip.compress(worker.read_bytes() + (worker.parent / "index_bg.wasm").read_bytes(), 9))
    return packed / 1_000


def batch(number):
    """A batch whose events nobody has sent before."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = {
        "event": "api.request", "timestamp": at, "userId": "user_123", "sessionId": "session_9",
        "properties": {"method": "GET", "path": "/api/users"}, "performance": {"duration": 45.5, "statusCode": 200},
    }
    events = [{**event, "id": f"{number:06}-{place}"} for place in range(BATCH)]
    return json.dumps(events).encode()


def send(workerd, path, body):
    """The status of the answer."""
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(workerd.service.base + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def start(folder, worker):
    shutil.rmtree(folder, ignore_errors=True)
    # The page is no part of what is measured, but wrangler.toml names its folder.
    (folder / "src" / "dashboard" / "built").mkdir(parents=True)
    (folder / ".dev.vars").write_text(f'EVENTS_ADMIN_KEY="{KEY}"\nEVENTS_RATE="0"\n')
    workerd = Workerd(folder, worker, "events")
    for table in ("1_events_raw.sql", "1_api_keys.sql"):
        command = [*workerd.wrangler, "d1", "execute", "EVENTS_DB", "--local", "--yes", "--env", "events"]
        command += ["--persist-to", "state", "--file", ROOT / "sql" / "sqlite" / table]
        subprocess.run(command, cwd=folder, env=workerd.environment, capture_output=True, check=True)
    return workerd


def statement(folder, worker):
    """A Worker that runs the statement of the built one, and nothing else."""
    text = (ROOT / "benches" / "worker" / "statement.js").read_text().replace('"built"', json.dumps(str(worker)))
    folder.mkdir(parents=True)
    (folder / "statement.js").write_text(text)
    return folder / "statement.js"


def milliseconds(runtimes, cpu, path, bodies, status):
    """Of CPU of each request, on average, by the name of the runtime. They take turns: what disturbs one disturbs both."""
    begin = {name: cpu(workerd) for name, workerd in runtimes.items()}
    for body in bodies:
        for workerd in runtimes.values():
            assert send(workerd, path, body) == status
    return {name: (cpu(workerd) - begin[name]) / len(bodies) for name, workerd in runtimes.items()}


def above_empty(runtimes, cpu, first):
    """The same of batches from this number on, above requests that have nothing to do."""
    empty = milliseconds(runtimes, cpu, "/nowhere", [b"{}"] * REQUESTS, 404)
    batches = [batch(number) for number in range(first, first + REQUESTS)]
    times = milliseconds(runtimes, cpu, "/events/batch", batches, 202)
    return {name: times[name] - empty[name] for name in runtimes}


def events(folder, worker, cpu, line, at_most):
    """The lines. The local D1 runs in the same process as the Worker. So a second runtime takes the same batches and runs the
    Worker's statement alone, and what that takes is D1's part."""
    workers = {"whole": worker, "d1": statement(folder / "source", worker)}
    runtimes = {}
    try:
        for name, path in workers.items():
            runtimes[name] = start(folder / name, path)
        rounds = [above_empty(runtimes, cpu, number * REQUESTS) for number in range(ROUNDS)][1:]
    finally:
        for workerd in runtimes.values():
            workerd.stop()

    def median(value):
        return statistics.median(map(value, rounds))

    what = f"CPU of a batch of {BATCH} above an empty request"
    return [
        line("Worker of events, size gzipped", size(worker), "KB", at_most(LARGEST)),
        line(f"Worker of events, {what}, with the local D1", median(lambda times: times["whole"]), "ms"),
        line("Taken off: JavaScript that only runs the same statement", median(lambda times: times["d1"]), "ms"),
        line(f"Worker of events, its own {what}", median(lambda times: times["whole"] - times["d1"]), "ms", at_most(MOST)),
    ]
