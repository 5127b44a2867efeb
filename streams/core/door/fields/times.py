"""Times of messages: RFC 3339 as people write it, seconds or milliseconds since 1970; whole milliseconds, cut."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from streams.core.door.canonical import END_OF_TIME
from streams.core.door.fields.json_fields import Fields, string

FIELDS = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
_MILLISECONDS_FROM = 10**11  # a smaller number is of seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))? ?(?:([Zz]|UTC)|([+-])(\d\d)(?::?(\d\d))?)", re.ASCII
)
_DIGITS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def of(message: Fields, sent_at: bytes | None = None) -> int | None:
    """The message's time in ms, by the first of its FIELDS that can be read, else `sent_at` of its batch."""
    for name in FIELDS:
        raw = message.raw(name)
        if raw is not None:
            time = milliseconds(raw)
            if time is not None:
                return time
            message.fault(name, raw)
    return milliseconds(sent_at) if sent_at else None


def milliseconds(raw: bytes) -> int | None:
    """The time that a JSON value says, in ms between 1970 and 2106, None where it says none."""
    if raw.startswith(b'"'):
        text = (string(raw) or "").strip()
        return from_number(text) if _DIGITS.fullmatch(text) else from_text(text)
    return from_number(raw.decode())


def from_number(text: str) -> int | None:
    """The time in ms of a number of seconds, or from 10^11 on of milliseconds."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not 0 <= number < END_OF_TIME:
        return None
    time = int(number if number >= _MILLISECONDS_FROM else number * 1000)
    return time if time < END_OF_TIME else None


def from_text(text: str, zoned: bool = True) -> int | None:
    """The time in ms of an RFC 3339 text; of one without a zone, in UTC, where it need not be `zoned`."""
    match = _RFC_3339.fullmatch(text) or (None if zoned else _RFC_3339.fullmatch(f"{text}Z"))
    if not match:
        return None
    day, hour, minute, second, fraction, _, sign, *offset = match.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60 or (sign and not _is_offset(*offset)):
        return None
    ahead = timedelta(hours=int(offset[0]), minutes=int(offset[1] or 0)) if sign else timedelta()
    try:
        midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    except ValueError:
        return None
    seconds = timedelta(hours=int(hour), minutes=int(minute), seconds=int(second))
    since = midnight - _EPOCH + seconds + (ahead if sign == "-" else -ahead)
    time = since // timedelta(milliseconds=1) + int((fraction or "").ljust(3, "0")[:3])
    return time if 0 <= time < END_OF_TIME else None


def _is_offset(hours: str, minutes: str | None) -> bool:
    return int(hours) < 24 and int(minutes or 0) < 60
