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
# Kilobytes of the Worker, and milliseconds of CPU of a batch above an empty request.
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
    events = [{**event, "id": f"{number}-{place}"} for place in range(BATCH)]
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


def above_empty(workerd, cpu, number):
    """Milliseconds of CPU of each batch of a round above a request that has nothing to do."""
    begin = cpu(workerd)
    for _ in range(REQUESTS):
        assert send(workerd, "/nowhere", b"{}") == 404
    empty = cpu(workerd) - begin
    begin = cpu(workerd)
    for request in range(REQUESTS):
        assert send(workerd, "/events/batch", batch(number + request)) == 202
    return (cpu(workerd) - begin - empty) / REQUESTS


def events(folder, worker, cpu, line, at_most):
    """The lines. The CPU of the local D1 is in them, because it runs in the same process: a Worker in JavaScript that only
    writes the same rows tells how much it is."""
    workers = {"ours": worker, "theirs": ROOT / "benches" / "worker" / "events.js"}
    runtimes = {name: start(folder / name, path) for name, path in workers.items()}
    try:
        rounds = [
            {name: above_empty(workerd, cpu, number * REQUESTS) for name, workerd in runtimes.items()}
            for number in range(ROUNDS)
        ][1:]
    finally:
        for workerd in runtimes.values():
            workerd.stop()
    ours, theirs = (statistics.median(times[name] for times in rounds) for name in workers)
    what = f"Worker of events, CPU of a batch of {BATCH} above an empty request"
    return [
        line("Worker of events, size gzipped", size(worker), "KB", at_most(LARGEST)),
        line(what + ", with the local D1", ours, "ms", at_most(MOST)),
        line("JavaScript that only writes the same rows", theirs, "ms"),
        line(what + ", beside that", ours / theirs, "times"),
    ]
