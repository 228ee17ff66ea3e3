"""Parses the given files as BigQuery's SQL; names each statement that sqlglot does not know and fails."""

import sys
from pathlib import Path

import sqlglot
from sqlglot import exp

unknown = [
    f"{name}: {statement.sql()}"
    for name in sys.argv[1:]
    for statement in sqlglot.parse(Path(name).read_text(), read="bigquery")
    if isinstance(statement, exp.Command)
]
sys.exit("\n".join(unknown) or None)
