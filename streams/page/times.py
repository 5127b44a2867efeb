"""Time ranges as Grafana writes them, and how finely a range is cut. Pure: now is an argument, days are of its zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EXPRESSION = re.compile(r"now((?:[+-]\d{1,5}[smhdwMy])*)(?:/([smhdwMy]))?")
_SHIFT = re.compile(r"([+-]\d+)([smhdwMy])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_ROUND = ("5s", "10s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d", "1w")
_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp() * 1000


class RangeError(ValueError):
    """A time, range or duration is not usable; the text says which and how to write it."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` to `end`, both inclusive, in ms since 1970."""

    start: int
    end: int


def time_range(start: str, end: str, now: datetime) -> Range:
    """The range between two of `now-30d`, `now/d` (to the start, or the end, of the day) or milliseconds.

    Raises RangeError.
    """
    found = Range(_moment(start, now, up=False), _moment(end, now, up=True))
    if found.start >= found.end:
        raise RangeError(f"the time range from {start} to {end} is empty; choose a start before the end")
    return found


def _moment(text: str, now: datetime, up: bool) -> int:
    if re.fullmatch(r"\d{1,14}", text) and int(text) < _LATEST:
        return int(text)
    found = _EXPRESSION.fullmatch(text)
    if not found:
        raise RangeError(f"{text!r} is no time; write now, now-6h, now/d or milliseconds since 1970")
    try:
        at = now
        for amount, unit in _SHIFT.findall(found[1]):
            at = _shifted(at, int(amount), unit)
        at = _rounded(at, found[2], up) if found[2] else at
    except (OverflowError, ValueError):
        raise RangeError(f"{text!r} is too far away") from None
    return max(0, int(at.timestamp() * 1000))


def _shifted(at: datetime, amount: int, unit: str) -> datetime:
    if unit not in "My":
        return at + timedelta(**{_UNITS[unit]: amount})
    months = at.year * 12 + at.month - 1 + amount * (12 if unit == "y" else 1)
    first = at.replace(year=months // 12, month=months % 12 + 1, day=1)
    return first + timedelta(days=min(at.day, _days_in_month(first)) - 1)


def _days_in_month(first: datetime) -> int:
    return ((first + timedelta(days=31)).replace(day=1) - first).days


def _rounded(at: datetime, unit: str, up: bool) -> datetime:
    start = _start(at, unit)
    return _shifted(start, 1, unit) - timedelta(milliseconds=1) if up else start


def _start(at: datetime, unit: str) -> datetime:
    if unit == "w":
        at -= timedelta(days=at.weekday())
    fields = {"microsecond": 0, "second": 0, "minute": 0, "hour": 0, "day": 1, "month": 1}
    kept = {"s": 1, "m": 2, "h": 3, "d": 4, "w": 4, "M": 5, "y": 6}[unit]
    return at.replace(**dict(list(fields.items())[:kept]))  # type: ignore[arg-type]


def duration_ms(text: str) -> int:
    """`30s`, `1m`, `1.5h` in ms. Raises RangeError."""
    found = _DURATION.fullmatch(text.removeprefix(">").strip())
    if not found or not (ms := int(float(found[1]) * _MS[found[2]])):
        raise RangeError(f"{text!r} is no duration; write for example 30s, 1m or 6h")
    return ms


def interval(span: Range, points: int, least: str = "") -> int:
    """How many ms one of about `points` points covers: a round duration, at least one second and `least`."""
    wanted = max((span.end - span.start) / max(1, points), duration_ms(least) if least else 0)
    round_ones = (1_000, *map(duration_ms, _ROUND))
    return next((ms for ms in round_ones if ms >= wanted), round_ones[-1])


def in_words(ms: int) -> str:
    """A duration as Grafana's `$__interval` has it: the largest unit that fits without a rest."""
    return next(f"{ms // _MS[unit]}{unit}" for unit in ("d", "h", "m", "s", "ms") if ms % _MS[unit] == 0)
