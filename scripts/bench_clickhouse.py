"""Asks ClickHouse, in this process, what `cargo bench --bench table -- questions` asks of a SQLite file.

pip install chdb
AIG_LOGS_BENCH_FILE=questions.sqlite cargo bench --bench table -- questions
python scripts/bench_clickhouse.py questions.sqlite

It copies the rows of events_raw and aig_logs_raw into tables of ClickHouse in a folder that goes, and prints the median
and the slowest of five answers to each question, in ms. ClickHouse reads all rows, with two threads.
"""

import statistics
import sys
import tempfile
import time

from chdb import session

ASKED = 5

COPY = """
CREATE TABLE bench.{name} ENGINE = MergeTree ORDER BY ({key}, at) AS
SELECT parseDateTime64BestEffort(created_at, 3, 'UTC') AS at, {columns} FROM sqlite('{file}', '{table}')
"""

EVENTS = "org, name, user_id, session_id, success, duration, quantity, sku, cost"
LOGS = "gateway, model, success, status_code, duration, tokens_in, tokens_out, cost, metadata"

TEAM = "JSONExtractString(metadata, 'team')"
FAST = "quantilesDD(0.01, {})(ifNull(duration, 0))"
BOTH = "(SELECT at, success, cost, duration FROM bench.events UNION ALL SELECT at, success, cost, duration FROM bench.logs)"
FIRSTS = "(SELECT user_id, min(at) AS first FROM bench.events GROUP BY user_id)"

QUESTIONS = {
    "numbers": f"toStartOfHour(at) AS hour, count(), countIf(success = 0), sum(cost), {FAST.format('0.95')} "
    f"FROM {BOTH} GROUP BY hour",
    "spend": "toDate(at) AS day, model, sum(cost) FROM bench.logs GROUP BY day, model",
    "what changed": f"{TEAM} AS team, model, sum(cost), count() FROM bench.logs GROUP BY team, model",
    "who": f"{TEAM} AS team, sum(cost), count() FROM bench.logs GROUP BY team",
    "models": f"model, sum(cost), count(), sum(tokens_in), sum(tokens_out), {FAST.format('0.95')}, countIf(success = 0) "
    "FROM bench.logs GROUP BY model",
    "latency": f"toStartOfHour(at) AS hour, {FAST.format('0.5, 0.95, 0.99')} FROM bench.logs GROUP BY hour",
    "errors": "toDate(at) AS day, status_code, count() FROM bench.logs GROUP BY day, status_code",
    "application": f"name, count(), countIf(success = 0) / count(), {FAST.format('0.95')} FROM bench.events GROUP BY name",
    "users": "toDate(at) AS day, uniqExact(user_id), uniqExact(session_id), uniqExactIf(user_id, toDate(first) = day) "
    f"FROM bench.events LEFT JOIN {FIRSTS} AS firsts USING (user_id) GROUP BY day",
    "usage": "org, sku, sum(quantity), sum(cost) FROM bench.events GROUP BY org, sku",
}


def took(database, sql):
    """The milliseconds of an answer."""
    began = time.perf_counter()
    str(database.query(f"{sql} SETTINGS max_threads = 2"))
    return (time.perf_counter() - began) * 1000


def main(file):
    """Copies, asks and prints."""
    with tempfile.TemporaryDirectory() as folder, session.Session(folder) as database:
        database.query("CREATE DATABASE bench ENGINE = Atomic")
        for name, key, columns, table in [
            ("events", "org", EVENTS, "events_raw"),
            ("logs", "gateway", LOGS, "aig_logs_raw"),
        ]:
            database.query(COPY.format(name=name, key=key, columns=columns, table=table, file=file))
        for name, sql in QUESTIONS.items():
            times = [took(database, f"SELECT {sql}") for _ in range(ASKED)]
            print(f"{name}: median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1])
