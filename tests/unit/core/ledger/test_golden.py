"""Segments, internal records and rows of one fixed stream, to the byte: what changes them is seen, and is meant.

After a change that is meant to alter what is on the wire or in the tables, this writes them anew; say so in the commit:

    .venv/bin/python -m tests.unit.core.ledger.test_golden
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path

from streams.core.catalogue.parse import parse
from streams.core.columns.column import Columns
from streams.core.events.topics import FORWARDED
from tests.support.cluster import Cluster, names
from tests.support.messages import HOUR, NOON, identify, order, refund, touch
from tests.support.tables import Database, rows

GOLDEN = Path(__file__).with_name("golden.txt")
MEND = (
    "what is on the wire or in the tables has changed; if that is meant: python -m tests.unit.core.ledger.test_golden"
)
CATALOGUE = """base_currency = "NOK"

[[goal]]
id = "orders"
event = "Order Completed"

[[campaign]]
id = "autumn"
start = 2026-10-01
end = 2026-12-01

[[holdout]]
campaign = "autumn"
share = 0.5
salt = "a"
"""


class Recorder(Database):
    """A database that remembers the rows in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def write(self, written: Mapping[str, Columns]) -> None:
        """The rows of one flush."""
        super().write(written)
        for table, columns in sorted(written.items()):
            self.lines += (f"row {table} {json.dumps(row, sort_keys=True)}" for row in rows(columns))


def played() -> Cluster:
    """Three partitions over two flushes: touches, links, orders, a reversal elsewhere, a late touch, bad records."""
    cluster = Cluster(parse(CATALOGUE))
    cluster.database = Recorder()
    (ann, eve), (bob,), (cookie,) = names(0)[:2], names(1)[:1], names(2)[:1]
    cluster.hear(
        ("engagement", ann, touch("t1", NOON, user=ann)),
        ("engagement", ann, touch("t2", NOON + HOUR, action="view", user=ann, campaign={"id": "winter"})),
        ("engagement", cookie, touch("t3", NOON + HOUR, user=None, anonymous=cookie)),
        ("engagement", cookie, touch("t3", NOON + HOUR, user=None, anonymous=cookie)),
        ("engagement", bob, touch("t4", NOON + 2 * HOUR, campaign_id="", user=bob)),
        ("engagement", bob, b'{"not": "an event"}'),
        ("checkout", ann, order("o1", NOON + 3 * HOUR, "order-1", 250, user=ann, currency="NOK")),
        ("checkout", bob, order("o2", NOON + 3 * HOUR, "order-2", "99.90", user=bob)),
        ("checkout", eve, b"not JSON"),
    )
    cluster.hear(
        ("identity", cookie, identify("i1", NOON + 4 * HOUR, cookie, bob)),
        ("engagement", eve, touch("t5", NOON + 4 * HOUR, user=bob)),
        ("engagement", ann, touch("t6", NOON + 2 * HOUR, user=ann)),
        ("checkout", eve, refund("r1", NOON + 5 * HOUR, "order-1", user=None, total=50)),
        ("checkout", cookie, order("o3", NOON + 6 * HOUR, "order-2", "99.90", user=None, anonymous=cookie)),
    )
    return cluster


def lines(cluster: Cluster) -> Iterator[str]:
    """What is durable of it, one thing a line."""
    for number, journal in sorted(cluster.journals.items()):
        yield from (f"segment {number} {tuple(key)} {b64encode(value).decode()}" for key, value in journal)
    for (topic, number), log in sorted(cluster.logs.items()):
        if topic == FORWARDED:
            for key, value, origin in log:
                yield f"forwarded {number} {key!r} {b64encode(value or b'').decode()} {origin!r}"
    assert isinstance(cluster.database, Recorder)
    yield from cluster.database.lines


def test_segments_and_rows_of_a_fixed_stream_are_the_same_to_the_byte() -> None:
    assert list(lines(played())) == GOLDEN.read_text("utf-8").splitlines(), MEND


def test_the_fixed_stream_has_some_of_everything() -> None:
    kinds = {" ".join(line.split(" ")[:2]) for line in GOLDEN.read_text("utf-8").splitlines()}
    tables = {"goal_attribution", "goal_restatements", "conversions", "engagement_counts", "engagement_seen"}
    tables |= {"path_transitions", "holdout_users", "token_links"}
    assert kinds >= {f"row {table}" for table in tables}
    assert {f"{kind} {number}" for kind in ("segment", "forwarded") for number in range(3)} <= kinds


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in lines(played())), "utf-8")
