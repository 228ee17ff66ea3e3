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
    folder.mkdir(parents=True)
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


def milliseconds(workerd, cpu, path, body, status):
    """Of CPU of each request of a round, on average."""
    begin = cpu(workerd)
    for request in range(REQUESTS):
        assert send(workerd, path, body(request)) == status
    return (cpu(workerd) - begin) / REQUESTS


def above_empty(workerd, cpu, path, body):
    """The same, above a request that has nothing to do."""
    empty = milliseconds(workerd, cpu, "/nowhere", lambda _: b"{}", 404)
    return milliseconds(workerd, cpu, path, body, 202) - empty


def events(folder, worker, cpu, line, at_most):
    """The lines. The local D1 runs in the same process as the Worker. So a second runtime runs the Worker's statement alone,
    and what that takes is D1's part."""
    runtimes = {"whole": start(folder / "whole", worker), "d1": start(folder / "d1", statement(folder / "source", worker))}
    try:
        assert send(runtimes["d1"], "/events/batch", batch(0)) == 202
        rounds = []
        for number in range(ROUNDS):
            whole = above_empty(runtimes["whole"], cpu, "/events/batch", lambda request: batch(number * REQUESTS + request))
            rounds.append((whole, above_empty(runtimes["d1"], cpu, "/statement", lambda _: b"{}")))
    finally:
        for workerd in runtimes.values():
            workerd.stop()
    whole, d1 = (statistics.median(times) for times in zip(*rounds[1:]))
    return [
        line("Worker of events, size gzipped", size(worker), "KB", at_most(LARGEST)),
        line(f"Worker of events, CPU of a batch of {BATCH} above an empty request, with the local D1", whole, "ms"),
        line("The local D1 alone: the same statement, run by JavaScript", d1, "ms"),
        line(f"Worker of events, its own CPU of a batch of {BATCH} above an empty request", whole - d1, "ms", at_most(MOST)),
    ]
