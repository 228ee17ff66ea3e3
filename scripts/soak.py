"""What `scripts/soak` runs: two worlds in a storm, in one the command and in the other the Worker in workerd. Only what
shells cannot do well is here: the memory of a process that has ended, HTTP, and the comparison of ids."""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

from processes import Simulator, Workerd

BINARY, WORKER, FOLDER = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
PASSES = int(sys.argv[4])

# Seconds: no pass begins later; closing and comparing take up to five minutes more.
LONGEST = 20 * 60
# Seconds by which entries are late at most, and a SETTLE_SECONDS that covers it: counts, ten minutes later, need not help.
LATEST, SETTLE = 3, 4
STORM = ["--faults", "7", "--rate", "600", "--unlimited", "--late", "0.05", "--late-from", "0.2", "--late-to", str(LATEST)]
HISTORY = ["--entries", "5000", "--days", "2"]
# One pass in so many is a backfill.
BACKFILLS = 5
# Until everything is delivered once nothing fails any more.
CLOSING_PASSES = 50
# What the command may grow by after its first passes: the largest of the second half against that of the first.
GROWTH = 1.2
# KB that workerd may grow by with each pass. In `wrangler dev` it keeps some 240 KB of each, of a Worker too that does
# nothing but log a line (measured over 2,000 passes), so this finds only what ours loses beyond that.
GROWTH_A_PASS = 350
# Of a half's passes: memory settles in the first of them.
WARM_UP = 0.1


class World(Simulator):
    """A simulator in a storm."""

    def __init__(self, name):
        super().__init__(BINARY, FOLDER / name, [*STORM, *HISTORY], {"SETTLE_SECONDS": SETTLE})


class Command:
    """The command: a process a pass, into SQLite."""

    name = "command"

    def __init__(self, world):
        self.folder = world.folder

    def run(self, job):
        command = [BINARY, job, "--json"]
        with (self.folder / "passes.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=self.folder, env={}, stdout=subprocess.PIPE, stderr=log)
            report = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        verdict = json.loads(report or b"{}").get("verdict", f"exit code {process.returncode}")
        return verdict, usage.ru_maxrss

    def rows(self):
        with sqlite3.connect(self.folder / "aig-logs.sqlite") as table:
            return [identity for identity, in table.execute("SELECT id FROM aig_logs")]

    def dead(self):
        return set()

    def is_flat(self, memory):
        first, second = memory[:len(memory) // 2], memory[len(memory) // 2:]
        return 0 < max(second, default=0) <= GROWTH * max(first, default=0)

    def stop(self):
        pass


class Worker(Workerd):
    """The Worker in workerd, into the simulated BigQuery."""

    name = "Worker"

    def __init__(self, world):
        self.world = world
        super().__init__(world.folder, WORKER)

    def run(self, job):
        return self.tick(job), self.memory()

    def memory(self):
        """KB of its processes."""
        status = [pathlib.Path(f"/proc/{process}/status").read_text() for process in self.processes()]
        return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in status)

    def rows(self):
        """As the view shows them: a row of BigQuery's raw table for each instant and id."""
        landed = self.world.lines("rows?table=aig_logs_raw")
        self.raw = len(landed)
        return [identity for _, identity in {(row["created_at"], row["id"]) for row in landed}]

    def dead(self):
        keys = json.loads(self.kv("key", "list", "--prefix", "dead:"))
        letters = [json.loads(self.kv("key", "get", key["name"])) for key in keys]
        return {row["id"] for letter in letters for row in letter["rows"]}

    def is_flat(self, memory):
        return bool(memory) and min(memory) > 0 and memory[-1] - memory[0] <= GROWTH_A_PASS * len(memory)


def soak(kind, count, results):
    """Some passes in a storm, some without, and what there is to say of them."""
    world = World(kind.name)
    poller = kind(world)
    try:
        outcomes, memory, end = collections.Counter(), [], time.monotonic() + LONGEST
        for number in range(count):
            if time.monotonic() > end:
                break
            job = "backfill" if number % BACKFILLS == 1 else "forward"
            outcome, kilobytes = poller.run(job)
            outcomes[f"{job} {outcome}"] += 1
            memory.append(kilobytes)
        calm(world, poller)
        results[kind.name] = check(world, poller, outcomes, memory)
    finally:
        poller.stop()
        world.stop()


def calm(world, poller):
    """Ends the faults, and copies until both jobs say that they are done."""
    for order in ("calm", "stop"):
        world.ask(order, "POST")
    time.sleep(LATEST + SETTLE + 1)
    before = None
    for _ in range(CLOSING_PASSES):
        done = [poller.run(job)[0] in ("complete", "ok") for job in ("forward", "backfill")]
        # The Worker does not tell `incomplete` from `complete`: it is done when nothing more lands.
        now = len(poller.rows())
        if all(done) and now == before:
            return
        before = now


def check(world, poller, outcomes, memory):
    source = {entry["id"] for entry in world.lines("entries?gateway=main")}
    rows = poller.rows()
    missing = source - set(rows) - poller.dead()
    faults = json.loads(world.ask("calls"))["faults"]
    warm = memory[int(len(memory) * WARM_UP):]
    duplicated = len(rows) - len(set(rows))
    flat = poller.is_flat(warm)
    print(f"== {poller.name}: {len(memory)} passes, faults {sum(faults.values())}")
    print(f"   outcomes: {', '.join(f'{name} {count}' for name, count in sorted(outcomes.items()))}")
    print(f"   entries at the source {len(source)}, rows {len(rows)}, missing {len(missing)}, duplicated for readers {duplicated}")
    samples = ", ".join(f"{memory[int(place * (len(memory) - 1))]:,}" for place in (0, 0.25, 0.5, 0.75, 1))
    print(f"   KB at the begin, each quarter and the end: {samples}{'' if flat else ': it grows'}", flush=True)
    return bool(source) and not missing and not duplicated and flat


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = {}
    lanes = [threading.Thread(target=soak, args=(kind, PASSES // 2, results), daemon=True) for kind in (Command, Worker)]
    started = time.monotonic()
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    held = [results.get(kind.name, False) for kind in (Command, Worker)]
    print(f"== {time.monotonic() - started:.0f} s: {'every law held, and memory did not grow' if all(held) else 'FAILED'}")
    sys.exit(0 if all(held) else 1)


main()
