"""Partitions with their ledgers, journals and source logs, driven by hand; the internal topic lies between them."""

from collections import defaultdict
from collections.abc import Sequence

from streams.core.catalogue.parse import Catalogue
from streams.core.columns.murmur2 import partitions_of
from streams.core.door.sources_toml import parse
from streams.core.events.batch import Batch, Forward, Origin
from streams.core.events.topics import FORWARDED
from streams.core.journal.cutting import cut
from streams.core.journal.segment import Segment, SegmentKey, decode, encode
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.disks import state
from tests.support.driver import KEY
from tests.support.messages import HOUR, NOON
from tests.support.tables import Database

PARTITIONS = 3
NOW = NOON + 48 * HOUR
LONG = 10**13  # ms: nothing is ever too late
Record = tuple[bytes | None, bytes | None, Origin | None]


def names(partition: int) -> list[str]:
    """Tokens, or ids of orders, that live in that partition."""
    found = [f"name-{n}" for n in range(30)]
    return [name for name in found if home_of(name) == partition]


def home_of(name: str) -> int:
    """The partition that it lives in."""
    return int(partitions_of([name.encode()], PARTITIONS)[0])


class Cluster:
    """PARTITIONS partitions, any of which may die at any step, and those `added` since, in which no key lives."""

    def __init__(self, catalogue: Catalogue, added: int = 0, sources: str = "") -> None:
        self._rules = LedgerSettings(catalogue, KEY, retention=LONG, sources=parse(sources))
        self.database, self.now = Database(), NOW
        self.logs: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self.journals: dict[int, list[tuple[SegmentKey, bytes]]] = defaultdict(list)
        self.flushed = dict.fromkeys(range(PARTITIONS + added), -1)
        self.ledgers = {number: self.restored(number) for number in self.flushed}
        self.letters: list[bytes | None] = []

    def restored(self, number: int) -> Ledger:
        """A new process, that knows what is in the journal and nothing else."""
        ledger = Ledger(self._rules, number, PARTITIONS, state.keeper.get())
        ledger.restore([(key, decode(value)) for key, value in self.journals[number]], self.now)
        return ledger

    def pending(self) -> list[tuple[str, int]]:
        """The topics and partitions that have records not worked on yet."""
        return [(t, p) for (t, p), log in sorted(self.logs.items()) if self.ledgers[p].offsets.get(t, 0) < len(log)]

    def step(self, topic: str, number: int, size: int, durable: bool = True) -> None:
        """Apply some records; without `durable` the worker dies after forwarding, before its segment is written or
        halfway through its parts."""
        applied = self.ledgers[number].apply(self.batch(topic, number, size), self.now)
        self.forward(applied.forwards)
        parts = cut(applied.segment, 1000)
        for part in parts if durable else parts[: len(parts) // 2]:
            self.write(number, part)
        if not durable:
            self.restart(number)

    def restart(self, number: int) -> None:
        """Another process has that partition."""
        self.ledgers[number] = self.restored(number)

    def publish(self) -> None:
        """What waits to be published is sent."""
        for ledger in self.ledgers.values():
            self.forward(ledger.publish())

    def forward(self, forwards: Sequence[Forward]) -> None:
        """Records go to other partitions."""
        for each in forwards:
            self.logs[FORWARDED, each.target].append((each.key, each.value, each.origin))

    def settle(self) -> None:
        """All there is, and all that it causes, is worked on."""
        while True:
            while pending := self.pending():
                self.step(*pending[0], size=10)
            self.publish()
            if not self.pending():
                return

    def batch(self, topic: str, number: int, size: int) -> Batch:
        """So many of the records that come next."""
        start = self.ledgers[number].offsets.get(topic, 0)
        records = self.logs[topic, number][start : start + size]
        origins = [origin for _, _, origin in records if origin]
        columns = ([value for _, value, _ in records], [key for key, _, _ in records])
        return Batch(topic, *columns, range(start, start + len(records)), number, origins)

    def send(self, topic: str, number: int, value: bytes) -> None:
        """A record comes to that partition."""
        self.logs[topic, number].append((None, value, None))

    def hear(self, *events: tuple[str, str, bytes]) -> None:
        """Events (topic, token, value) come where they belong, one after the other, and all they cause is worked on."""
        for topic, token, value in events:
            self.send(topic, home_of(token), value)
            self.settle()
        self.flush()

    @property
    def seen(self) -> dict[str, tuple[list[str], str]]:
        """By order: the campaigns that it is credited to, and the reason."""
        found = {key[1]: row for key, row in self.database.conversions().items() if key[0] == "orders"}
        return {order_id: (row["touch_campaign"], row["reason"]) for order_id, row in found.items()}

    def write(self, number: int, segment: Segment) -> None:
        """A segment becomes durable."""
        key, segment.flushed = SegmentKey(self.now // HOUR, 1, len(self.journals[number])), self.flushed[number]
        self.journals[number].append((key, encode(segment)))

    def flush(self, later: int = 0) -> None:
        """Report, and bring what changed to the database, so much later (ms)."""
        self.now += later
        self.publish()
        for number, ledger in self.ledgers.items():
            self.write(number, ledger.report(self.now).segment)
            self.database.write(ledger.changes(version=len(self.journals[number])))
            self.flushed[number] = len(self.journals[number]) - 1
