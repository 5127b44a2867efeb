"""The picture of the design as data: what may import what, where clients are at home, how large things get."""

import re
from pathlib import Path

STREAMS = Path(__file__).parents[3] / "streams"
MOST_LINES, LONGEST_FUNCTION, MOST_MODULES, MOST_ARGUMENTS = 299, 40, 12, 6

# Of the standard library, what neither looks nor reaches outside the process.
PURE = frozenset({
    "__future__", "base64", "bisect", "collections", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal",
    "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re",
    "statistics", "string", "struct", "tomllib", "traceback", "types", "typing", "unicodedata", "zlib",
})  # fmt: skip
# How pure modules could still reach a clock, chance or a file; `hash` differs from process to process.
IMPURE = frozenset({
    "now", "utcnow", "today", "random", "fromfile", "tofile", "loadtxt", "savetxt", "genfromtxt", "memmap",
})  # fmt: skip
IMPURE_BUILTINS = frozenset({"open", "print", "input", "breakpoint", "exec", "eval", "hash", "__import__"})
FAUST = frozenset({"faust", "mode", "aiokafka"})
# What they offer to everybody; the rest is internal, and for the transport alone.
FAUST_FOR_ALL = frozenset({
    "faust", "faust.types", "faust.types.auth", "faust.exceptions", "faust.app.base", "mode", "aiokafka",
    "aiokafka.abc", "aiokafka.admin", "aiokafka.errors",
})  # fmt: skip
# Packages of the core in the order of the pipeline: each imports only those before it.
CORE = (
    "columns", "parsing", "door", "catalogue", "events", "identity", "detection", "journeys", "orders", "lift",
    "attribution", "rows", "journal", "exchange", "privacy", "ledger", "explain",
)  # fmt: skip
# Packages and modules around it, floor by floor: each imports only floors before its own.
FLOORS = (
    ("core", "failpoints"),
    ("config", "texts"),
    ("kafka", "sinks"),
    ("sources", "telemetry"),
    ("worker", "jobs", "reports", "page", "simulate", "embedded", "collector"),
    ("agents", "demo"),
    ("app", "replay"),
    ("cli",),
    ("__main__",),
)
# Where each client library is at home; modules, or packages with all in them.
CLIENTS = {
    "faust": ("sources.kafka", "agents", "app", "worker.journal"),
    "mode": ("sources.kafka", "agents", "telemetry.server"),
    "aiokafka": ("kafka", "sources.kafka", "agents", "app"),
    "kafka": ("kafka",),
    "confluent_kafka": ("embedded", "simulate.feed", "collector.recorder"),
    "clickhouse_connect": ("sinks.clickhouse",),
    "chdb": ("embedded",),
    "pyarrow": ("sinks.clickhouse", "sources.files", "embedded"),
    "click": ("cli",),
    "rich": ("cli", "reports", "demo", "kafka.topics.render"),
    "prometheus_client": ("telemetry", "page.history"),
    "segno": ("collector.visits.qr_codes",),
    "crawleruseragents": ("collector.visits.visitors",),
}
LEANING = re.compile(
    r"(The same|Same|Those|That|These|They|Them|Their|It|Its|As `|Such|Likewise|So many|None of (it|them)|Both of them"
    r"|(Some|One|Each|All|Any|Most|Of) (of )?(it|them|those|these))\b(?! is (why|how))"
)
# What breaks a rule and may, for the reason beside it. The list only shrinks.
EXCEPTIONS = {
    "demo.demo imports confluent_kafka": "it sends a few events, and asks for what became of them",
    "jobs.drop_monitor imports aiokafka.errors": "its producer is to raise an error of ours",
    "worker.partition imports aiokafka.errors": "its producer is to raise an error of ours",
    "kafka.producer imports faust": "it sends by the application's own producer",
    "kafka.producer imports faust.exceptions": "it sends by the application's own producer",
    "kafka.access imports aiokafka.conn": "no client says why a broker does not let it in",
    "kafka.access imports aiokafka.protocol.metadata": "no client says why a broker does not let it in",
    "jobs.grow imports kafka": "it copies topics, and is to be a package of its own",
}
