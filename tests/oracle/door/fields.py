"""Fields of a message, read leniently: what cannot be read is left out and told by its place.

Chosen: names (of campaigns, networks, sources) may be integers as ids may; other numbers are no ids; `""` is absent
and not told, but of amounts; text with half a surrogate pair cannot be read, and costs its field alone; times outside
1970 to 2106 and zones beyond 23:59 are none; `+01` is a zone, as PostgreSQL writes it.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.door.amounts import Number

END = 2**32 * 1000  # ms; times fit ClickHouse's DateTime
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)", re.ASCII)


class Fields:
    """One message. Places are paths such as `context.campaign.name`; `faults` are those that could not be read."""

    def __init__(self, message: dict[str, Any]) -> None:
        self.message = message
        self.faults: set[str] = set()

    def value(self, place: str) -> Any:
        """What stands there in JSON; None where nothing does."""
        above, _, last = place.rpartition(".")
        return (self.object(above) if above else self.message).get(last)

    def object(self, place: str) -> dict[str, Any]:
        """The object there; `[]`, `""` and `null` stand for an empty one."""
        return self.as_object(self.value(place), place)

    def as_object(self, value: Any, place: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value is not None and value not in ("", []):
            self.faults.add(place)
        return {}

    def objects(self, place: str) -> list[dict[str, Any]]:
        """The objects of the list there."""
        value = self.value(place)
        if isinstance(value, list):
            return [self.as_object(part, place) for part in value]
        if value not in (None, ""):
            self.faults.add(place)
        return []

    def text(self, place: str) -> str:
        """The string or integer there, trimmed; '' where there is none."""
        return self.as_text(self.value(place), place)

    def as_text(self, value: Any, place: str) -> str:
        if isinstance(value, Number) and re.fullmatch(r"-?[0-9]{1,1000}", value):
            return str(int(value))
        if isinstance(value, str) and not isinstance(value, Number) and not re.search("[\ud800-\udfff]", value):
            return value.strip()
        if value is not None:
            self.faults.add(place)
        return ""

    def id(self, place: str, most: int = 1024) -> str:
        """The id there; longer ones (bytes) count as absent."""
        return self.as_id(self.value(place), place, most)

    def as_id(self, value: Any, place: str, most: int = 1024) -> str:
        text = self.as_text(value, place)
        if len(text.encode()) <= most:
            return text
        self.faults.add(place)
        return ""

    def time(self, place: str) -> int | None:
        """The time there, ms since 1970, cut; None where there is none."""
        value = self.value(place)
        found = time(value)
        if found is None and value not in (None, ""):
            self.faults.add(place)
        return found


def time(value: Any) -> int | None:
    """The moment that a JSON value names; None where it names none between 1970 and 2106."""
    found = None
    if isinstance(value, Number):
        found = _number(value)
    elif isinstance(value, str):
        found = _number(value) if re.fullmatch("[0-9]+", value) else _rfc3339(value)
    return found if found is not None and 0 <= found < END else None


def _number(text: str) -> int | None:
    number = Decimal(text)
    if not 0 <= number < END:
        return None
    return int(number if number >= 10**11 else number * 1000)


def _rfc3339(text: str) -> int | None:
    match = _RFC3339.fullmatch(text)
    if match is None or (match[4] and not (match[5] < "24" and (match[6] or "00") < "60")):
        return None
    leap = match[2].endswith(":60")  # the second after :59
    try:
        local = datetime.fromisoformat(f"{match[1]}T{match[2][:6]}{'59' if leap else match[2][6:]}+00:00")
    except ValueError:
        return None
    whole = (local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) + 1000 * leap
    east = (int(match[5] or 0) * 60 + int(match[6] or 0)) * 60_000
    return whole + int(f"{match[3] or ''}000"[:3]) + (east if match[4] == "-" else -east)


def flag(given: object) -> bool | None:
    """What is true or false, as people write it; None where it is neither."""
    if isinstance(given, bool):
        return given
    text = (
        given.removesuffix(".0")
        if isinstance(given, Number)
        else given.strip().casefold()
        if isinstance(given, str)
        else ""
    )
    return True if text in ("true", "yes", "1") else False if text in ("false", "no", "0") else None
