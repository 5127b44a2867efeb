"""What `catalogue.toml` and `sources.toml` say, read naively: both are taken to be right.

Chosen: a campaign is called by its id and aliases, never by its `name`; `[consent] advertising` replaces the default;
`max_bytes` of a `[[source]]` is what its messages may have; `start` and `end` of a campaign move no figure here.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.door.names import event_name, is_placeholder, name
from tests.oracle.door.networks import Networks

ORDERS = ("order completed", "order updated", "order cancelled", "order refunded")
CONSENTS = ("segment consent preference updated", "consent updated")
ADVERTISING = ("advertising", "marketing", "targeting", "C0004")
KIB = 1024
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WINDOWS = {"click": "7d", "engage": "1d", "view": "1d"}


@dataclass(frozen=True)
class Goal:
    """A completion that counts. `event` is normalised, `value` in millionths (None: the order's own worth), `windows`
    in ms by action class."""

    id: str
    event: str
    where: Mapping[str, Any]
    value: int | None
    windows: Mapping[str, int]
    id_field: str
    by: date | None


class Catalogue:
    """The goals and campaigns. Campaigns are in their order, as TOML has them."""

    def __init__(self, text: str) -> None:
        document = tomllib.loads(text, parse_float=Decimal)
        self.base_currency = document["base_currency"].upper()
        self.zone = ZoneInfo(document.get("timezone", "UTC"))
        self.goals = [_goal(given) for given in document.get("goal", ())]
        self.campaigns: list[dict[str, Any]] = document.get("campaign", [])
        self.events = {goal.event for goal in self.goals}

    def id_fields_of(self, event: str) -> list[str]:
        """What the goals that count an event take for its key; of all goals where none is named."""
        return sorted({goal.id_field for goal in self.goals if event in ("", goal.event)})

    def listed(self, word: str) -> str:
        """The campaign that is called so by id or alias; '' where none is."""
        return self._first(lambda campaign: [campaign["id"], *campaign.get("aliases", ())], word)

    def of_coupon(self, word: str) -> str:
        """The campaign that has this coupon; '' where none has."""
        return self._first(lambda campaign: campaign.get("coupons", ()), word)

    def _first(self, called: Any, word: str) -> str:
        for campaign in self.campaigns:
            if word and word in [name(written) for written in called(campaign)]:
                return str(campaign["id"])
        return ""

    def internal(self, campaign: str) -> bool:
        """Whether it is the shop's own."""
        return any(c["id"] == campaign and c.get("internal", False) for c in self.campaigns)

    def local_day(self, time: int) -> date:
        """The day of the people whose goals these are, of ms since 1970."""
        return datetime.fromtimestamp(time // 1000, UTC).astimezone(self.zone).date()


def _goal(given: Mapping[str, Any]) -> Goal:
    value = given.get("value", "revenue")
    fixed = None if value == "revenue" else int(Decimal(value).quantize(Decimal("1e-6"), ROUND_HALF_EVEN).scaleb(6))
    windows = {key: int(text[:-1]) * _UNITS[text[-1]] for key, text in (_WINDOWS | given.get("windows", {})).items()}
    event, id_field = event_name(given["event"]), given.get("id_field", "order_id")
    return Goal(given["id"], event, given.get("where", {}), fixed, windows, id_field, given.get("by"))


class Sources:
    """Where messages come from and how they are read."""

    def __init__(self, text: str | None) -> None:
        document = tomllib.loads(text or "")
        self.by_affiliation = document.get("order_scope") == "affiliation"
        self.placeholders: list[str] = document.get("placeholders", [])
        self.touches = {event_name(event): given for event, given in document.get("touch", {}).items()}
        advertising = document.get("consent", {}).get("advertising", ADVERTISING)
        self.advertising = {category.casefold() for category in advertising}
        self.networks = Networks(document.get("networks", {}), document.get("own_hosts", []))
        self._topics = {source["topic"]: source for source in document.get("source", ())}
        for source in self._topics.values():
            if source.get("format", "segment") != "segment":
                raise ValueError(f"the oracle reads Segment's form alone, not {source['format']}")

    def scope(self, topic: str) -> str:
        return str(self._topics.get(topic, {}).get("scope", ""))

    def limit(self, topic: str) -> int:
        """How many bytes a message of that topic may have."""
        return int(self._topics.get(topic, {}).get("max_bytes", 64 * KIB))

    def is_nobody(self, text: str) -> bool:
        return is_placeholder(text, self.placeholders)
