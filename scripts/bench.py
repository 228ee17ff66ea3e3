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

from processes import ROOT, Simulator, Workerd

BINARY, WORKER, FOLDER = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])

# Entries of the histories that the command and the Worker read.
COMMAND_READS = [1_000, 100_000, 1_000_000]
WORKER_READS = [1_000, 100_000]
# Of the largest history's memory against that of the smallest, which does not fill a batch.
FLAT = 1.5
# Seconds between two looks at a process.
LOOK = 0.005
# Rounds of ticks of each kind; the median of them counts.
ROUNDS = 5
# Ticks of a round, by how many entries are new to each.
TICKS = {1_000: 6, 100: 12, 0: 24}
# Starts of a runtime, of which the middle one counts.
STARTS = 3
# Ticks of a round in which the empty Worker does one thing ten times.
PARTS_OF_A_TICK = 6
QUIET = ["--days", "30", "--rate", "0", "--unlimited"]
# Whatever is there when a simulator has started is to be read.
SETTLED = {"SETTLE_SECONDS": 0}
WORKERS = ROOT / "benches" / "worker"


def line(what, measured, unit="", goal=None):
    return {"what": what, "measured": measured, "unit": unit, "goal": goal}


def at_most(value):
    return {"at_most": value}


def command_memory():
    """The most that the command has of memory while it reads histories of three sizes."""
    peaks = []
    for entries in COMMAND_READS:
        simulator = Simulator(BINARY, FOLDER / f"command-{entries}", ["--entries", str(entries), *QUIET], SETTLED)
        try:
            rows, peak = zip(*(run(simulator.folder, job) for job in ("forward", "backfill")))
        finally:
            simulator.stop()
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
    """A simulator whose gateway gets new entries, each in a millisecond of its own."""

    def __init__(self):
        self.simulator = Simulator(BINARY, FOLDER / "worker", ["--entries", "1000", *QUIET], SETTLED)
        self.samples = self.simulator.lines("entries?gateway=main")
        self.added = 0

    def add(self, count):
        """Lets so many milliseconds pass, and adds an entry of each of them."""
        begin = time.time_ns() // 1_000_000
        time.sleep((count + 2) / 1_000)
        entries = []
        for number, sample in enumerate(self.samples[:count], 1):
            at = datetime.datetime.fromtimestamp((begin + number) / 1_000, datetime.timezone.utc)
            created_at = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            entries.append(json.dumps({**sample, "id": f"{self.added + number}-{sample['id']}", "created_at": created_at}))
        self.simulator.ask("entries?gateway=main", "POST", "\n".join(entries).encode())
        self.added += count

    def check(self):
        """Everything that was added is in the table once."""
        rows = [row["id"] for row in self.simulator.lines("rows?table=aig_logs_raw")]
        source = {entry["id"] for entry in self.simulator.lines("entries?gateway=main")}
        assert len(rows) == len(set(rows)), f"{len(rows) - len(set(rows))} rows are there twice"
        assert source == set(rows), f"{len(source - set(rows))} of {len(source)} entries are missing"


def tick(workerd, job):
    outcome = workerd.tick(job)
    assert outcome == "ok", f"{job}: {outcome}, {workerd.service.log}"


def cpu(workerd):
    """Milliseconds of CPU time of its processes, all threads, by the clocks that the kernel has for them."""
    return sum(time.clock_gettime((~process << 3) | 2) for process in workerd.processes()) * 1_000


def ticks(workerd, job, count, before=lambda: None):
    """Milliseconds of CPU time of each of so many ticks, on average."""
    begin = cpu(workerd)
    for _ in range(count):
        before()
        tick(workerd, job)
    return (cpu(workerd) - begin) / count


def worker_cpu():
    """What ticks take of the runtime's CPU, above those of a Worker that does nothing."""
    feed = Feed()
    empty_folder = FOLDER / "empty"
    empty_folder.mkdir()
    shutil.copy(FOLDER / "worker" / ".dev.vars", empty_folder)
    runtimes = []
    try:
        runtimes = [Workerd(empty_folder, WORKERS / "empty.js"), Workerd(FOLDER / "worker", WORKER)]
        empty, ours = runtimes
        for job in ("forward", "backfill"):
            tick(ours, job)
        # The first round warms both runtimes up, and both Workers have read what was there.
        rounds = [one_round(empty, ours, feed) for _ in range(ROUNDS + 1)][1:]
        feed.check()
    finally:
        for service in [*runtimes, feed.simulator]:
            service.stop()
    return told({kind: statistics.median(times[kind] for times in rounds) for kind in rounds[0]})


def one_round(empty, ours, feed):
    times = {"empty": ticks(empty, "empty", TICKS[0])}
    times |= {job: ticks(empty, job, PARTS_OF_A_TICK) for job in ("sign in", "read", "write", "list")}
    for entries, count in TICKS.items():
        times[entries] = ticks(ours, "forward", count, lambda: entries and feed.add(entries))
    return times


def told(times):
    """The lines, of milliseconds of each kind of tick."""
    above = {kind: time - times["empty"] for kind, time in times.items()}
    one = {job: above[job] / 10 for job in ("sign in", "read", "write", "list")}
    cpu = "Worker, CPU of"
    return [
        line(f"{cpu} a tick with 1,000 entries, sign-in included", above[1_000] + one["sign in"], "ms", at_most(35)),
        line(f"{cpu} a tick with 100 entries, sign-in included", above[100] + one["sign in"], "ms", at_most(5)),
        line(f"{cpu} an idle tick", above[0], "ms", at_most(1)),
        line("Taken off each: an empty Worker's tick", times["empty"], "ms"),
        line("Runtime alone, by JavaScript: one sign-in", one["sign in"], "ms"),
        line("Runtime alone, by JavaScript: one read of the local KV", one["read"], "ms"),
        line("Runtime alone, by JavaScript: one write to the local KV", one["write"], "ms"),
        line("Runtime alone, by JavaScript: one page fetched and parsed", one["list"], "ms"),
    ]


def worker_memory():
    """What the WebAssembly has of memory after histories of several sizes."""
    sizes = []
    for entries in WORKER_READS:
        folder = FOLDER / f"wasm-{entries}"
        simulator = Simulator(BINARY, folder, ["--entries", str(entries), *QUIET], SETTLED)
        workerd = None
        try:
            workerd = Workerd(folder, watched(folder))
            sizes.append(read_all(workerd, simulator, entries))
        finally:
            for service in filter(None, (workerd, simulator)):
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


def read_all(workerd, simulator, entries):
    """Copies a history, however many passes it takes: MB at the end."""
    before, rows = None, 0
    while rows != before:
        for job in ("forward", "backfill"):
            tick(workerd, job)
        before, rows = rows, len(simulator.lines("rows?table=aig_logs_raw"))
    assert rows == entries, f"{rows} rows of {entries} entries"
    with urllib.request.urlopen(workerd.service.base, timeout=60) as answer:
        return int(answer.read()) / 1e6


def start():
    """Seconds from the start of the runtime to the first answer, in turn with those of an empty Worker."""
    simulator = Simulator(BINARY, FOLDER / "start", ["--entries", "1000", *QUIET], SETTLED)
    seconds = {"ours": [], "empty": []}
    try:
        for _ in range(STARTS):
            for kind, worker in (("empty", WORKERS / "empty.js"), ("ours", WORKER)):
                begin = time.monotonic()
                workerd = Workerd(simulator.folder, worker)
                try:
                    tick(workerd, "forward")
                    seconds[kind].append(time.monotonic() - begin)
                finally:
                    workerd.stop()
    finally:
        simulator.stop()
    return [
        line("Worker, from the start of the runtime to the first answer", statistics.median(seconds["ours"]), "s"),
        line("An empty Worker, the same", statistics.median(seconds["empty"]), "s"),
    ]


PARTS = {"size": size, "start": start, "worker": worker_cpu, "wasm": worker_memory, "memory": command_memory}


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
