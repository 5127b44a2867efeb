"""Times of many messages at once, written as SDKs write them: `2026-11-02T09:00:00.000Z`."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import numpy as np

from streams.core.columns.arrays import I64
from streams.core.door.fields.times import from_number, from_text
from streams.core.parsing.units import DAY

NO_TIME = -1
_FEW = 32  # texts for which columns cost more than they save

_FORM = b"20dd-dd-ddTdd:dd:dd.dddZ"  # d: a digit
_LEAST = np.frombuffer(_FORM.replace(b"d", b"0"), np.uint8)
_SPAN = np.where(np.frombuffer(_FORM, np.uint8) == ord("d"), 9, 0).astype(np.uint8)  # how far one may lie above it
_DATE = len("20dd-dd-dd")
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS_KEPT = 1 << 12


def times(texts: Sequence[str | None]) -> I64:
    """Milliseconds since 1970 of texts, NO_TIME where there is none or it cannot be read."""
    if len(texts) >= _FEW and None not in texts and (at_once := column(texts)) is not None:  # type: ignore[arg-type]
        return at_once
    found = [NO_TIME if text is None else _time(text) for text in texts]
    return np.array(found, np.int64)


def _time(text: str) -> int:
    time = from_number(text) if text.isdecimal() and text.isascii() else from_text(text)
    return NO_TIME if time is None else time


def column(texts: Sequence[str]) -> I64 | None:
    """Milliseconds since 1970 of texts that all are written so, None where one is not or lies outside 2000 to 2099."""
    if set(map(len, texts)) != {len(_FORM)}:
        return None
    above = np.frombuffer("".join(texts).encode("ascii", "replace"), np.uint8).reshape(-1, len(_FORM)) - _LEAST
    if (above > _SPAN).any():
        return None
    clock = np.ascontiguousarray(above[:, _DATE:].T).astype(np.int32)
    hours, minutes, seconds = (clock[at] * 10 + clock[at + 1] for at in (1, 4, 7))
    if max(hours.max() - 24, minutes.max() - 60, seconds.max() - 60) >= 0:
        return None
    of_day = ((hours * 60 + minutes) * 60 + seconds) * 1000 + (clock[10] * 10 + clock[11]) * 10 + clock[12]
    dates = np.ascontiguousarray(above[:, _DATE - 8 : _DATE]).view(np.uint64)[:, 0]
    begin = np.flatnonzero(np.append(True, dates[1:] != dates[:-1]))  # mostly it is the day of the one before
    try:
        days = [_day(texts[at][:_DATE]) for at in begin.tolist()]
    except ValueError:
        return None
    time: I64 = np.repeat(days, np.diff(begin, append=len(texts))) * DAY + of_day
    return time


@lru_cache(_DAYS_KEPT)
def _day(text: str) -> int:
    """Days since 1970-01-01 of a date. Raises ValueError where there is none such."""
    return date.fromisoformat(text).toordinal() - _EPOCH
