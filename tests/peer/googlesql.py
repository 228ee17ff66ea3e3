"""BigQuery's SQL as GoogleSQL's own analyzer and reference evaluator understand it, in memory: nothing else is modelled.

Each line of the standard input is a body of `jobs.query`, or `{"table": NAME, "rows": [{...}]}`, which adds rows. Each line
of the standard output is the answer to a query with all its rows, or `{"error": {"message": ...}}`.
"""

import ctypes
import json
import os
import re
import sys
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from google.protobuf import timestamp_pb2
from wasmtime import Config, Engine, Linker, Module, Store, WasiConfig
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.core.wasm_client import get_tzinfo_dir
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public
from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KINDS = {
    "STRING": type_pb2.TYPE_STRING,
    "INT64": type_pb2.TYPE_INT64,
    "FLOAT64": type_pb2.TYPE_DOUBLE,
    "BOOL": type_pb2.TYPE_BOOL,
    "TIMESTAMP": type_pb2.TYPE_TIMESTAMP,
    "DATE": type_pb2.TYPE_DATE,
    "JSON": type_pb2.TYPE_JSON,
}
NAMES = {kind: name for name, kind in KINDS.items()}

# What BigQuery has beyond the usual features, and what it lacks of them.
FURTHER = {public.FEATURE_CREATE_VIEWS_WITH_COLUMN_OPTIONS}
MISSING = {
    public.FEATURE_AGGREGATE_FILTERING,
    public.FEATURE_JSON_TYPE_COMPARISON,
    public.FEATURE_LATERAL_COLUMN_REFERENCES,
    public.FEATURE_TIMESTAMP_NANOS,
    public.FEATURE_TIMESTAMP_PICOS,
}


class Client(wasm_client.WasmClient):
    """The client of the package, with its module compiled once for all and memory copied as a whole."""

    def __init__(self):
        wasi = WasiConfig()
        wasi.inherit_stderr()
        wasi.preopen_dir(get_tzinfo_dir(), "/usr/share/zoneinfo")
        config = Config()
        config.shared_memory = True
        engine = Engine(config)
        self.store = Store(engine)
        self.store.set_wasi(wasi)
        linker = Linker(engine)
        linker.define_wasi()
        instance = linker.instantiate(self.store, compiled(engine))
        self.exports = instance.exports(self.store)
        if "_initialize" in self.exports:
            self.exports["_initialize"](self.store)
        self.memory = self.exports["memory"]

    def write_bytes(self, ptr, data):
        ctypes.memmove(self.at(ptr), data, len(data))

    def read_bytes(self, ptr, size):
        return ctypes.string_at(self.at(ptr), size)

    def at(self, ptr):
        return ctypes.addressof(self.memory.data_ptr().contents) + ptr


def compiled(engine):
    """The module. To compile it takes a minute, so what comes of that is kept beside this Python."""
    kept = Path(sys.prefix) / f"zetasql-{version('zetasql')}-{version('wasmtime')}.cwasm"
    if not kept.exists():
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_bytes(Module.from_file(engine, get_wasm_path()).serialize())
        new.rename(kept)
    return Module.deserialize_file(engine, str(kept))


class Warehouse:
    """Tables and views."""

    def __init__(self):
        self.client = Client()
        request = service.LanguageOptionsRequest(maximum_features=True)
        self.language = self.call("GetLanguageOptions", request, options_pb2.LanguageOptionsProto)
        self.language.product_mode = public.PRODUCT_EXTERNAL
        features = (set(self.language.enabled_language_features) | FURTHER) - MISSING
        self.language.enabled_language_features[:] = sorted(features)
        self.language.supported_statement_kinds.clear()
        self.columns = {}
        self.rows = {}
        self.views = {}
        # What views show, until something changes.
        self.shown = {}

    def call(self, method, request, response):
        return self.client.call_grpc_func(f"ZetaSqlLocalService_{method}", request, response)

    def options(self, parameters):
        options = options_pb2.AnalyzerOptionsProto(default_timezone="UTC")
        options.language_options.CopyFrom(self.language)
        for parameter in parameters:
            options.query_parameters.add(name=parameter["name"], type=kind(parameter["parameterType"]["type"]))
        return options

    def catalog(self, names):
        catalog = simple_catalog_pb2.SimpleCatalogProto(name="catalog")
        catalog.builtin_function_options.language_options.CopyFrom(self.language)
        for name in names:
            for called in (name, short(name)):
                table = catalog.table.add(name=called)
                for column, type_kind in self.columns[name]:
                    table.column.add(name=column, type=type_pb2.TypeProto(type_kind=type_kind))
        return catalog

    def insert(self, table, rows):
        self.shown.clear()
        kinds = self.columns[table]
        self.rows[table] += [[cell(row.get(column), of) for column, of in kinds] for row in rows]

    def query(self, sql, parameters):
        # Without its project a table is one of the only project.
        for name in self.columns:
            _, dataset, table = name.split(".")
            sql = re.sub(rf"(?<![`.\w]){dataset}\.{table}\b", f"`{name}`", sql)
        # To evaluate is to analyze too.
        if re.match(r"(\s*--.*\n)*\s*(SELECT|WITH)\b", sql):
            return self.evaluate(sql, parameters)
        analyze = service.AnalyzeRequest(sql_statement=sql, simple_catalog=self.catalog(self.columns))
        analyze.options.CopyFrom(self.options(parameters))
        resolved = self.call("Analyze", analyze, service.AnalyzeResponse).resolved_statement
        self.shown.clear()
        made = resolved.resolved_create_statement_node
        if made.HasField("resolved_create_table_stmt_base_node"):
            base = made.resolved_create_table_stmt_base_node
            table = getattr(base, base.WhichOneof("node")).parent
            kinds = [(column.name, column.type.type_kind) for column in table.column_definition_list]
            self.columns.setdefault(named(table), kinds)
            self.rows.setdefault(named(table), [])
        elif made.HasField("resolved_create_view_base_node"):
            view = made.resolved_create_view_base_node.resolved_create_view_stmt_node.parent
            self.columns[named(view)] = [(column.name, column.column.type.type_kind) for column in view.output_column_list]
            self.views[named(view)] = view.sql
        return {"jobComplete": True}

    def content(self, sql):
        """The rows of each table and view that a text may name."""
        found = {}
        for name in self.columns:
            if f"`{name}`" in sql or re.search(rf"\bFROM {short(name)}\b", sql):
                if name in self.views and name not in self.shown:
                    shown = self.run(self.views[name], []).content.table_data.row
                    self.shown[name] = [row.cell for row in shown]
                found[name] = self.shown[name] if name in self.views else self.rows[name]
        return found

    def run(self, sql, parameters):
        content = self.content(sql)
        request = service.EvaluateQueryRequest(sql=sql, simple_catalog=self.catalog(content))
        request.options.CopyFrom(self.options(parameters))
        for name, rows in content.items():
            for called in (name, short(name)):
                table = request.table_content[called].table_data
                table.SetInParent()
                for row in rows:
                    table.row.add(cell=row)
        for parameter in parameters:
            value = cell(parameter["parameterValue"].get("value"), KINDS[parameter["parameterType"]["type"]])
            request.params.add(name=parameter["name"], value=value)
        return self.call("EvaluateQuery", request, service.EvaluateQueryResponse)

    def evaluate(self, sql, parameters):
        answer = self.run(sql, parameters)
        kinds = [(column.name, column.type.type_kind) for column in answer.prepared.columns]
        rows = [
            {"f": [{"v": text(value, of)} for value, (_, of) in zip(row.cell, kinds, strict=True)]}
            for row in answer.content.table_data.row
        ]
        fields = [{"name": name, "type": NAMES.get(of, str(of))} for name, of in kinds]
        return {"jobComplete": True, "schema": {"fields": fields}, "totalRows": str(len(rows)), "rows": rows}


def named(statement):
    return ".".join(statement.parent.name_path)


def short(name):
    """How a statement calls a table whose dataset is the default."""
    return name.rsplit(".", 1)[-1]


def kind(name):
    return type_pb2.TypeProto(type_kind=KINDS[name])


def cell(value, of):
    """A value as rows and parameters bring it."""
    if value is None:
        return value_pb2.ValueProto()
    if of == type_pb2.TYPE_TIMESTAMP:
        at = timestamp_pb2.Timestamp()
        at.FromDatetime(datetime.fromisoformat(value))
        return value_pb2.ValueProto(timestamp_value=at)
    if of == type_pb2.TYPE_DATE:
        return value_pb2.ValueProto(date_value=(date.fromisoformat(value) - EPOCH.date()).days)
    field, convert = {
        type_pb2.TYPE_STRING: ("string_value", str),
        type_pb2.TYPE_INT64: ("int64_value", int),
        type_pb2.TYPE_DOUBLE: ("double_value", float),
        type_pb2.TYPE_BOOL: ("bool_value", lambda truth: truth in (True, "true")),
        type_pb2.TYPE_JSON: ("json_value", str),
    }[of]
    return value_pb2.ValueProto(**{field: convert(value)})


def text(value, of):
    """A value as BigQuery answers it: every type as text."""
    which = value.WhichOneof("value")
    if which is None:
        return None
    if of == type_pb2.TYPE_TIMESTAMP:
        at = value.timestamp_value
        return f"{at.seconds}.{at.nanos // 1000:06}"
    if of == type_pb2.TYPE_DATE:
        return str(EPOCH.date() + timedelta(days=value.date_value))
    found = getattr(value, which)
    return str(found).lower() if isinstance(found, bool) else repr(found) if isinstance(found, float) else str(found)


def main():
    warehouse = Warehouse()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "table" in asked:
                answer = warehouse.insert(asked["table"], asked["rows"])
            else:
                answer = warehouse.query(asked["query"], asked.get("queryParameters", []))
        except ServerError as error:
            answer = {"error": {"message": str(error)}}
        print(json.dumps(answer), flush=True)


main()
