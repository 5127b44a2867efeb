"""What is to be simulated."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

SHARES = (
    "engagement",
    "organic",
    "refunds",
    "duplicates",
    "disorder",
    "denied",
    "anonymous",
    "seekers",
    "late_logins",
    "shared",
    "holdout",
)


@dataclass(frozen=True)
class Scenario:
    """What is simulated. Shares are 0..1, and are these:

    `organic`      of the orders: nobody caused them
    `seekers`      of those: the buyer clicks a search advertisement on the way, a touch beside the `events`
    `disorder`     of the events: they arrive hours late
    `anonymous`    of the people: they never log in
    `late_logins`  of the others: they log in with their first order, and before it are known by their browser alone
    `shared`       of pairs of neighbours: both use one browser
    `holdout`      of all tokens, for each campaign that a site shows: it is not shown to them, and what it would have
                   caused does not happen; that takes some of the `events` away. Who that is depends on `token_key`.
    """

    events: int = 100_000
    seed: int = 1
    start: date = date(2026, 10, 1)
    days: int = 31
    users: int | None = None
    engagement: float = 0.98
    organic: float = 0.3
    refunds: float = 0.08
    duplicates: float = 0.01
    disorder: float = 0.03
    denied: float = 0.08
    anonymous: float = 0.25
    seekers: float = 0.0
    late_logins: float = 0.0
    shared: float = 0.0
    holdout: float = 0.0
    token_key: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if not all(0 <= getattr(self, share) <= 1 for share in SHARES):
            raise ValueError("a share of a scenario is outside 0..1; 0.08 means 8 %")
        if self.holdout and not (self.token_key and self.holdout < 1):
            raise ValueError("a scenario with a holdout needs the token key, and a share below 1")
        if self.events < 0 or self.days < 1 or (self.users is not None and self.users < 1):
            raise ValueError("a scenario needs events >= 0, days >= 1 and users >= 1")

    @property
    def people(self) -> int:
        """The number of users: ten events each unless told."""
        return self.users or max(1, self.events // 10)

    @property
    def begin(self) -> int:
        """The first instant of the period, ms."""
        return int(datetime.combine(self.start, time(), UTC).timestamp()) * 1000
