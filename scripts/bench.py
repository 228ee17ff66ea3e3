"""The lines of `scripts/bench` that are measured in processes of their own: memory of the command, and the Worker in
workerd. docs/benchmarks.md says how. Writes them as JSON, for the program that prints the table."""

import datetime
import gzip
import json
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

from bench_events import events
from processes import ROOT, Simulator, Workerd

BINARY, WORKER, FOLDER = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])

# Entries of the histories that the command and the Worker read.
COMMAND_READS = [1_000, 100_000, 1_000_000]
WORKER_READS = [1_000, 100_000]
# Of the largest history's memory against that of the smallest, which does not fill a batch.
FLAT = 1.5
# Seconds between two looks at a process.
LOOK = 0.005
# Rounds of later and idle ticks, and ticks of a round.
ROUNDS = 5
LATER = 6
IDLE = 24
# First passes of an instance.
FIRST = 5
# Seconds from the start of a runtime to its first tick.
CALM = 1
# Starts of a runtime, of which the middle one counts.
STARTS = 3
QUIET = ["--days", "30", "--rate", "0", "--unlimited"]
# Whatever is there when a simulator has started is to be read.
SETTLED = {"SETTLE_SECONDS": 0}
WORKERS = ROOT / "benches" / "worker"
# Our Worker, and the JavaScript that does the same.
POLLERS = {"ours": WORKER, "theirs": WORKERS / "poller.js"}
# Kinds of passes, and what ours may take of CPU, as multiples of what theirs take.
PASSES = {
    "later": ("a later pass with 1,000 entries", 1),
    "idle": ("an idle tick", 1.2),
    "first": ("the first pass of an instance, with 1,000 entries", 2),
}
# Calls by which the two may differ, as a share: ours counts at the source now and then.
COUNTING = 0.02


def line(what, measured, unit="", goal=None):
    return {"what": what, "measured": measured, "unit": unit, "goal": goal}


def at_most(value):
    return {"at_most": value}


def simulator(name, entries):
    """A world with a past and no traffic, and the folder of whoever reads it."""
    return Simulator(BINARY, FOLDER / name, ["--entries", str(entries), *QUIET], SETTLED)


def command_memory():
    """The most that the command has of memory while it reads histories of three sizes."""
    peaks = []
    for entries in COMMAND_READS:
        world = simulator(f"command-{entries}", entries)
        try:
            rows, peak = zip(*(run(world.folder, job) for job in ("forward", "backfill")))
        finally:
            world.stop()
        assert sum(rows) == entries, f"{rows} rows of {entries} entries"
        peaks.append(max(peak))
    what = "Command, peak memory"
    return [
        *(line(f"{what}: backfill of {entries:,}", peak, "MB", at_most(40)) for entries, peak in zip(COMMAND_READS, peaks)),
        line(f"{what}: largest against smallest history", peaks[-1] / peaks[0], "times", at_most(FLAT)),
    ]


def run(folder, job):
    """Runs a pass to its end: its rows, and the most MB that it had."""
    command = [BINARY, job, "--sink", "ndjson:/dev/null", "--json", "--pages", "auto"]
    with (folder / "report.json").open("wb") as report, (folder / "command.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env={}, stdout=report, stderr=log)
        peak = 0
        while process.poll() is None:
            found = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())
            peak = max(peak, int(found[1]) if found else 0)
            time.sleep(LOOK)
    assert process.returncode == 0, f"{job} ended with {process.returncode}: {folder / 'command.log'}"
    gateways = json.loads((folder / "report.json").read_text())["gateways"]
    return sum(gateway["rows"] for gateway in gateways), peak * 1024 / 1e6


def size():
    """What is loaded at a cold start."""
    script, code = WORKER.read_bytes(), (WORKER.parent / "index_bg.wasm").read_bytes()
    packed = len(gzip.compress(script + code, 9))
    return [
        line("Worker, size", (len(script) + len(code)) / 1_000, "KB"),
        line("Worker, size gzipped", packed / 1_000, "KB", at_most(400)),
    ]


class Feed:
    """Equal worlds, one for each poller, whose gateways get the same new entries, each in a millisecond of its own."""

    def __init__(self):
        self.simulators = {name: simulator(name, 1_000) for name in POLLERS}
        self.samples = self.simulators["ours"].lines("entries?gateway=main")
        self.added = set()

    def add(self, count):
        """Lets so many milliseconds pass, and adds an entry of each of them."""
        begin = time.time_ns() // 1_000_000
        time.sleep((count + 2) / 1_000)
        entries = []
        for number, sample in enumerate(self.samples[:count], 1):
            at = datetime.datetime.fromtimestamp((begin + number) / 1_000, datetime.timezone.utc)
            created_at = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            entries.append({**sample, "id": f"{len(self.added) + number}-{sample['id']}", "created_at": created_at})
        lines = "\n".join(map(json.dumps, entries)).encode()
        for world in self.simulators.values():
            world.ask("entries?gateway=main", "POST", lines)
        self.added.update(entry["id"] for entry in entries)

    def calls(self):
        """Calls of each poller so far, by kind."""
        return {name: json.loads(world.ask("calls")) for name, world in self.simulators.items()}

    def check(self, before):
        """Everything is in the table of each poller once, the same entries as the same rows, and that took as many calls."""
        tables = {}
        for name, world in self.simulators.items():
            rows = world.lines("rows?table=aig_logs_raw")
            by_id = {row["id"]: row for row in rows}
            source = {entry["id"] for entry in world.lines("entries?gateway=main")}
            assert len(rows) == len(by_id), f"{name}: {len(rows) - len(by_id)} rows are there twice"
            assert source == by_id.keys(), f"{name}: {len(source - by_id.keys())} of {len(source)} entries are missing"
            tables[name] = {identity: values(by_id[identity]) for identity in self.added}
        other = [identity for identity in self.added if tables["ours"][identity] != tables["theirs"][identity]]
        assert not other, f"{len(other)} of {len(self.added)} entries are other rows, such as {other[0]}"
        after = self.calls()
        for kind in ("list", "insert", "token"):
            made = {name: after[name][kind] - before[name][kind] for name in POLLERS}
            assert abs(made["ours"] - made["theirs"]) <= made["theirs"] * COUNTING, f"calls of the kind {kind}: {made}"


def values(row):
    """What a row says, however its JSON is spelled, and whenever it was written."""
    documents = {name: json.loads(row[name]) for name in ("metadata", "extra") if name in row}
    return {**row, **documents, "ingested_at": None}


def tick(workerd, job):
    outcome = workerd.tick(job)
    assert outcome == "ok", f"{job}: {outcome}, {workerd.service.log}"


def cpu(workerd):
    """Milliseconds of CPU time of its processes, all threads, by the clocks that the kernel has for them."""
    return sum(time.clock_gettime((~process << 3) | 2) for process in workerd.processes()) * 1_000


def ticks(runtimes, feed, entries, count):
    """Milliseconds of CPU time of each of so many ticks with so many new entries, on average, by the name of the runtime.
    They take turns: what disturbs one of them disturbs all."""
    begin = {name: cpu(workerd) for name, workerd in runtimes.items()}
    for _ in range(count):
        if entries:
            feed.add(entries)
        for workerd in runtimes.values():
            tick(workerd, "forward")
    return {name: (cpu(workerd) - begin[name]) / count for name, workerd in runtimes.items()}


def worker_cpu():
    """What passes take of the runtime's CPU, above those of a Worker that does nothing, beside a poller in JavaScript."""
    feed = Feed()
    folder = FOLDER / "empty"
    folder.mkdir()
    shutil.copy(FOLDER / "ours" / ".dev.vars", folder)
    runtimes = {}
    try:
        start_all(runtimes)
        for job in ("forward", "backfill"):
            tick(runtimes["ours"], job)
        tick(runtimes["theirs"], "forward")
        before = feed.calls()
        rounds = {"later": [], "idle": []}
        for _ in range(ROUNDS + 1):
            rounds["later"].append(ticks(runtimes, feed, 1_000, LATER))
            rounds["idle"].append(ticks(runtimes, feed, 0, IDLE))
        # The first round warms the runtimes up.
        rounds = {kind: times[1:] for kind, times in rounds.items()}
        rounds["first"] = [first_pass(runtimes, feed) for _ in range(FIRST)]
        feed.check(before)
    finally:
        for service in [*runtimes.values(), *feed.simulators.values()]:
            service.stop()
    return told(rounds)


def start_all(runtimes):
    """Starts a runtime for each Worker, where the one before has left its state."""
    for name, worker in {"empty": WORKERS / "empty.js", **POLLERS}.items():
        runtimes[name] = Workerd(FOLDER / name, worker)


def first_pass(runtimes, feed):
    """Milliseconds of CPU time of the first tick of new runtimes, with 1,000 new entries."""
    for name in list(runtimes):
        runtimes.pop(name).stop()
    start_all(runtimes)
    # What a runtime does once it has started is over.
    time.sleep(CALM)
    return ticks(runtimes, feed, 1_000, 1)


def told(rounds):
    """The lines, of the rounds of each kind of pass."""
    beside, absolute = [], []
    for kind, (what, goal) in PASSES.items():
        above = {name: statistics.median(times[name] - times["empty"] for times in rounds[kind]) for name in POLLERS}
        ratio = above["ours"] / above["theirs"]
        beside.append(line(f"Worker, CPU beside a JavaScript poller: {what}", ratio, "times", at_most(goal)))
        absolute += [
            line(f"Worker, CPU of {what}", above["ours"], "ms"),
            line("The JavaScript poller, the same", above["theirs"], "ms"),
            line("Taken off both: an empty Worker's tick", statistics.median(times["empty"] for times in rounds[kind]), "ms"),
        ]
    return beside + absolute


def worker_memory():
    """What the WebAssembly has of memory after histories of several sizes."""
    sizes = []
    for entries in WORKER_READS:
        world = simulator(f"wasm-{entries}", entries)
        workerd = None
        try:
            workerd = Workerd(world.folder, watched(world.folder))
            sizes.append(read_all(workerd, world, entries))
        finally:
            for service in filter(None, (workerd, world)):
                service.stop()
    what = "Worker, memory of its WebAssembly"
    return [
        *(line(f"{what}: backfill of {entries:,}", size, "MB", at_most(16)) for entries, size in zip(WORKER_READS, sizes)),
        line(f"{what}: larger against smaller history", sizes[-1] / sizes[0], "times", at_most(FLAT)),
    ]


def watched(folder):
    """A Worker that is the built one, and tells its memory."""
    shutil.copy(WORKERS / "instance.js", folder)
    text = (WORKERS / "watched.js").read_text().replace('"built"', json.dumps(str(WORKER)))
    (folder / "watched.js").write_text(text)
    return folder / "watched.js"


def read_all(workerd, world, entries):
    """Copies a history, however many passes it takes: MB at the end."""
    before, rows = None, 0
    while rows != before:
        for job in ("forward", "backfill"):
            tick(workerd, job)
        before, rows = rows, len(world.lines("rows?table=aig_logs_raw"))
    assert rows == entries, f"{rows} rows of {entries} entries"
    with urllib.request.urlopen(workerd.service.base, timeout=60) as answer:
        return int(answer.read()) / 1e6


def start():
    """Seconds from the start of the runtime to the first answer, in turn with those of an empty Worker."""
    world = simulator("start", 1_000)
    seconds = {"ours": [], "empty": []}
    try:
        for _ in range(STARTS):
            for kind, worker in (("empty", WORKERS / "empty.js"), ("ours", WORKER)):
                begin = time.monotonic()
                workerd = Workerd(world.folder, worker)
                try:
                    tick(workerd, "forward")
                    seconds[kind].append(time.monotonic() - begin)
                finally:
                    workerd.stop()
    finally:
        world.stop()
    return [
        line("Worker, from the start of the runtime to the first answer", statistics.median(seconds["ours"]), "s"),
        line("An empty Worker, the same", statistics.median(seconds["empty"]), "s"),
    ]


def worker_of_events():
    return events(FOLDER / "events", WORKER.parent / "events" / "index.js", cpu, line, at_most)


PARTS = {
    "size": size, "start": start, "worker": worker_cpu, "events": worker_of_events, "wasm": worker_memory, "memory": command_memory,
}


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lines = []
    for name, part in PARTS.items():
        if name in (sys.argv[4:] or PARTS):
            begin = time.monotonic()
            lines += part()
            print(f"== {name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    (FOLDER / "lines.json").write_text(json.dumps(lines, indent=1))


main()
