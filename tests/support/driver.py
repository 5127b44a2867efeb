"""A ledger with its journal and its database, driven by hand: time passes and crashes come when a test says so."""

from collections.abc import Sequence

from streams.core.catalogue.parse import Catalogue, parse
from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT, IDENTITY
from streams.core.events.watermark import DeadLetter
from streams.core.journal.segment import Segment, SegmentKey, decode, encode, valid
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import Applied
from streams.core.ledger.settings import LedgerSettings
from tests.support.disks import state
from tests.support.messages import DAY, HOUR, NOON, message, touch
from tests.support.tables import Database, Key

KEY = b"sixteen letters!"
CATALOGUE = parse("""base_currency = "NOK"

[[goal]]
id = "orders"
event = "Order Completed"

[[goal]]
id = "visits"
event = "Visit Booked"
""")


class Driver:
    """One worker with one partition. What it journals is durable at once; `now` is its clock, in ms."""

    def __init__(
        self,
        catalogue: Catalogue = CATALOGUE,
        now: int = NOON,
        retention: int = 45 * DAY,
        lateness: int | None = None,
    ) -> None:
        self._rules, self.now = LedgerSettings(catalogue, KEY, retention, lateness=lateness), now
        self.journal: dict[SegmentKey, bytes] = {}
        self.database = Database()
        self.sequence = self.flushed = -1
        self.restart()

    def restart(self) -> None:
        """A new process, that knows what is in the journal and nothing else."""
        self.ledger = Ledger(self._rules, keeper=state.keeper.get())
        found = {key: decode(value) for key, value in self.journal.items()}
        self.ledger.restore([(key, found[key]) for key in valid(found)], self.now)

    def engage(self, *values: bytes) -> Applied:
        """Engagement events arrive."""
        return self.take(ENGAGEMENT, *values)

    def buy(self, *values: bytes) -> Applied:
        """Checkout events arrive."""
        return self.take(CHECKOUT, *values)

    def identify(self, *values: bytes) -> Applied:
        """Identity messages arrive."""
        return self.take(IDENTITY, *values)

    def take(self, topic: str, *values: bytes) -> Applied:
        """Events of that topic arrive."""
        applied = self.ledger.apply(self.batch(topic, values), self.now)
        self._record(applied.segment)
        return applied

    def batch(self, topic: str, values: Sequence[bytes]) -> Batch:
        """Those records, as the next ones of the topic."""
        offset = self.ledger.offsets.get(topic, 0)
        return Batch(topic, values, [None] * len(values), range(offset, offset + len(values)))

    def _record(self, segment: Segment) -> None:
        self.sequence += 1
        segment.flushed = self.flushed
        self.journal[SegmentKey(self.now // HOUR, 1, self.sequence)] = encode(segment)

    def report(self, most: int | None = None) -> None:
        """State what changed; it is in the journal, and not in the database yet."""
        self._record(self.ledger.report(self.now, most).segment)

    def write(self) -> None:
        """Bring what was stated to the database."""
        self.database.write(self.ledger.changes(version=self.sequence))
        self.flushed = self.sequence

    def flush(self) -> list[DeadLetter]:
        """What a worker does every second; returns the reversals that are given up."""
        letters = self.ledger.expire()
        self.report()
        self.write()
        self.compact()
        return letters

    def compact(self) -> None:
        """Drop the segments that are past the retention, but for the newest."""
        past = [key for key, value in self.journal.items() if decode(value).latest < self.ledger.needed_since]
        for key in past:
            if key.sequence != self.sequence:
                del self.journal[key]

    def pass_days(self, days: float) -> None:
        """Time passes, with traffic of others on both topics at the end of it."""
        self.now += round(days * DAY)
        self.engage(touch(f"t-{self.now}", self.now, user="somebody else"))
        self.buy(message("Visit Booked", f"v-{self.now}", self.now, user="somebody else"))

    def conversions(self) -> dict[Key, float]:
        """Orders by campaign and reason, as the model `last` has them."""
        found: dict[Key, float] = {}
        for (_, goal, model, campaign, _, _, reason, _), (conversions, *_) in self.database.goal_attribution().items():
            if goal == "orders" and model == "last" and conversions:
                found[campaign, reason] = found.get((campaign, reason), 0) + conversions / 1_000_000
        return found
