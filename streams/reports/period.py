"""The days that a report is about: local ones, of the catalogue's time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from streams.reports.later import later
from streams.sinks.clickhouse.client import Client

_ZONE = "SELECT value FROM settings FINAL WHERE id = 'timezone'"
_LAST = 4_102_444_800  # 2100: later than every time that is taken in
# For queries of goal_attribution, with the parameters of `Period.parameters`.
IN_PERIOD = "window_start >= fromUnixTimestamp({since:Int64}) AND window_start < fromUnixTimestamp({until:Int64})"


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both of them whole; None = no bound."""

    zone: str = "UTC"
    since: date | None = None
    until: date | None = None

    @property
    def whole(self) -> bool:
        """Whether it is all time."""
        return self.since is None and self.until is None

    @property
    def tzinfo(self) -> tzinfo:
        """The time zone of the period."""
        return UTC if self.zone == "UTC" else ZoneInfo(self.zone)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Of queries: the first second, the first one after it, the zone, and the days as texts."""
        return {
            "since": 0 if self.since is None else self._second(self.since),
            "until": _LAST if self.until is None else self._second(self.until + timedelta(days=1)),
            "zone": self.zone,
            "first_day": str(self.since or "1970-01-01"),
            "last_day": str(self.until or "2149-06-06"),
        }

    def local(self, moment: datetime) -> datetime:
        """A moment in the period's zone."""
        return moment.astimezone(self.tzinfo)

    def _second(self, day: date) -> int:
        return max(0, min(_LAST, int(datetime.combine(day, time(), self.tzinfo).timestamp())))


def period_of(client: Client, since: date | None = None, until: date | None = None) -> Period:
    """Days in the zone of the catalogue that the database holds; UTC where it does not say.

    Raises ValueError where the last day is before the first.
    """
    if since and until and until < since:
        raise ValueError(f"--until {until} is before --since {since}")
    return Period(_zone(client), since, until)


def _zone(client: Client) -> str:
    rows = later(client, _ZONE)
    return str(rows[0]["value"]) if rows else "UTC"
