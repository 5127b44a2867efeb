"""The journals of released versions, kept for later ones to read.

`python -m tests.support.corpus` writes that of this version. Until it is released, remove it and write it again when a
segment's form changes; from then on never: make `segment.VERSION` larger, and read the older form, too.
"""

import lzma
import sys
from pathlib import Path
from typing import Any

import msgspec

from streams.core.catalogue.parse import parse
from streams.core.events.batch import Batch
from streams.core.events.topics import FORWARDED
from streams.core.journal.segment import VERSION, SegmentKey, decode, encode
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.messages import DAY, HOUR, NOON, alias, denied, identify, message, order, refund, touch
from tests.support.tables import Database

FOLDER = Path(__file__).parents[1] / "corpus"
CORPUS = sorted(FOLDER.glob("form-*.xz"), key=lambda path: int(path.stem[5:]))
KEY, NOW = b"sixteen letters!", NOON + 2 * DAY
CATALOGUE = """base_currency = "NOK"

[[goal]]
id = "orders"
event = "Order Completed"

[[goal]]
id = "visits"
event = "Visit Booked"
value = 250.00

[[campaign]]
id = "autumn"
coupons = ["HOST10"]
"""
Entry = tuple[SegmentKey, bytes]


def read(path: Path) -> list[Entry]:
    """The segments of a journal, encoded, by their keys."""
    return [(SegmentKey(*key), raw) for key, raw in msgspec.msgpack.decode(lzma.decompress(path.read_bytes()))]


def journal() -> list[Entry]:
    """What the first of two partitions journals of a few days with something of everything: all topics, what the other
    one publishes to it, merged orders, reversals that wait and that are claimed, reports, erasures."""
    rules = LedgerSettings(parse(CATALOGUE), KEY, 10**13)
    ledgers = [Ledger(rules, number, 2) for number in (0, 1)]
    written: list[Entry] = []
    waiting: list[tuple[int, Batch]] = [(number, batch) for batch in _batches() for number in (0, 1)]
    hour = NOW // HOUR - 24
    while waiting:
        number, batch = waiting.pop(0)
        ledger = ledgers[number]
        start = ledger.offsets.get(batch.topic, 0)
        offsets = range(start, start + len(batch.values))
        done = ledger.apply(batch._replace(offsets=offsets, partition=number), NOW)
        stated = ledger.report(NOW, 3)
        if number == 0:
            for segment in (done.segment, stated.segment):
                written.append((SegmentKey(hour, 1, len(written)), encode(segment)))
            hour += len(written) % 5 == 0
        for each in (*done.forwards, *ledger.publish()):
            waiting.append((each.target, Batch(FORWARDED, [each.value], [each.key], [0], 0, [each.origin])))
    return written


def _batches() -> list[Batch]:
    people = [f"person-{n}" for n in range(8)]
    touches = [
        touch(f"{'t' * (n % 40)}-{n}", NOON + n * HOUR, ("autumn", "Høst", "x" * 200)[n % 3], user=people[n % 8])
        for n in range(40)
    ]
    touches += [touch(f"a{n}", NOON + n, user=None, anonymous=f"browser-{n}") for n in range(6)]
    touches += [touch("d", NOON, user="person-1", consent=denied()), touch("undo", NOON, action="unlike")]
    links = [identify(f"i{n}", NOON, f"browser-{n}", people[n]) for n in range(5)]
    links += [alias("al", NOON, "browser-0", "person-7"), identify("i9", NOON, "browser-9", "person-2")]
    bought = [order(f"o{n}", NOON + DAY + n * HOUR, f"order-{n}", 100 + n, user=people[n % 8]) for n in range(12)]
    bought += [order(f"p{n}", NOON + DAY, "undefined", 5, user=people[n]) for n in range(4)]
    bought += [message("Visit Booked", f"v{n}", NOON + DAY, user=people[n], coupon="HOST10") for n in range(3)]
    back = [refund(f"r{n}", NOON + DAY, f"order-{n}", total=40) for n in range(4)]
    back += [
        message("Order Cancelled", "x1", NOON + DAY, order_id="order-5"),
        refund("r9", NOON + DAY, "never", total=1),
    ]
    parts = {"engagement": touches, "identity": links, "checkout": [*back, *bought]}
    return [
        Batch(topic, values[start : start + 9], [None] * len(values[start : start + 9]), range(9))
        for topic, values in parts.items()
        for start in range(0, len(values), 9)
    ]


def facts(entries: list[Entry]) -> dict[str, Any]:
    """What a ledger knows that is restored from them, of that which no rule of a later version changes."""
    ledger, database = Ledger(LedgerSettings(parse(CATALOGUE), KEY, 10**13), 0, 2), Database()
    ledger.restore([(key, decode(raw)) for key, raw in entries], NOW)
    while ledger.pending:
        ledger.report(NOW)
    database.write(ledger.changes(version=1))
    sold = sorted([*key, row["value"], len(row["touch_at"])] for key, row in database.conversions().items())
    return {"offsets": ledger.offsets, "touches": ledger.size[0], "conversions": sold}


def main() -> None:
    """Write the journal of this version, unless there is one."""
    path = FOLDER / f"form-{VERSION}.xz"
    if path.exists():
        sys.exit(f"{path} is there already: a released form does not change; make VERSION larger")
    FOLDER.mkdir(exist_ok=True)
    entries = journal()
    path.write_bytes(lzma.compress(msgspec.msgpack.encode([(list(key), raw) for key, raw in entries])))
    path.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(facts(entries))) + b"\n")


if __name__ == "__main__":
    main()
