"""The systems that do the job, and what each does less or more than the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FEWER = 10  # times: what the slow ones get of the events
_JAVA = (
    "java",
    "-Xms1g",
    "-Xmx2g",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in ("java.lang", "java.util", "java.time", "java.util.concurrent.atomic", "java.nio")
    ),
    "-cp",
    "{classpath}",
)


@dataclass(frozen=True)
class System:
    """How one is started. `command` has {python}, {classpath} and {state} filled in; `environment` is `java`, `python`
    or `own`. `result` is how totals lie in its topic: `long`, `text`, or `said` where it prints them."""

    title: str
    environment: str
    command: tuple[str, ...]
    result: str
    more: str
    less: str
    variables: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    output: str = "{group}-out"
    end: str = "DONE"
    slow: bool = False
    restates: bool = True  # an order, when a touch of before it comes later


MAALSTROM = "maalstrom"
SYSTEMS = {
    MAALSTROM: System(
        "maalstrom",
        "own",
        ("worker",),
        "clickhouse",
        "seven models, refunds, identity, an order under two message ids is one, restatement by hour, SQL tables",
        "its ClickHouse is a process on the other core (its CPU has a column)",
    ),
    "kstreams": System(
        "Kafka Streams 4.1",
        "java",
        (*_JAVA, "peers.KStreamsPeer"),
        "long",
        "state in RocksDB, with changelog topics",
        "one model; no refunds, no identity; no order is restated when a touch comes late",
        restates=False,
    ),
    "kstreams-eos": System(
        "Kafka Streams 4.1, exactly once",
        "java",
        (*_JAVA, "peers.KStreamsPeer"),
        "long",
        "transactions from end to end",
        "one model; no refunds, no identity; no order is restated when a touch comes late",
        {"GUARANTEE": "exactly_once_v2"},
        restates=False,
    ),
    "flink": System(
        "Flink 2.0",
        "java",
        (*_JAVA, "peers.FlinkPeer"),
        "long",
        "checkpoints to files",
        "one model; no refunds, no identity; state in the heap",
        end="ENDED",
    ),
    "clickhouse": System(
        "ClickHouse alone",
        "own",
        ("{programs}/clickhouse_peer.py",),
        "said",
        "raw rows kept, any question in SQL",
        "one model; no refunds, no identity; each second attributes anew all orders since the oldest news; one writer",
        end="TOTALS",
    ),
    "quix": System(
        "Quix Streams",
        "python",
        ("{python}", "{programs}/quix_peer.py"),
        "text",
        "state in RocksDB, with changelog topics",
        "one model; no refunds, no identity",
    ),
    "bytewax": System(
        "Bytewax",
        "python",
        ("{python}", "-m", "bytewax.run", "bytewax_peer:flow", "-r", "{state}", "-s", "5", "-b", "0"),
        "text",
        "snapshots to SQLite every five seconds",
        "one model; no refunds, no identity; no rebalancing",
        prepare=("{python}", "-m", "bytewax.recovery", "{state}", "1"),
    ),
    "faust": System(
        "stock Faust, RocksDB",
        "python",
        ("{python}", "{programs}/faust_peer.py", "--loop", "uvloop", "worker", "-l", "error"),
        "text",
        "changelog topics",
        "one model; no refunds, no identity; a tenth of the events",
        output="{group}-totals-changelog",
        slow=True,
    ),
    "decode": System(
        "fetch and decode, nothing else",
        "own",
        ("{programs}/decode_only.py",),
        "none",
        "nothing: the limit of Python with librdkafka and msgspec",
        "everything",
        {"KIND": "librdkafka"},
    ),
}
