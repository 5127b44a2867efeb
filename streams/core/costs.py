"""Costs: money or working hours spent on a campaign on a day, from JSON or from the cells of a table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Raw, Struct

from streams.core.admission import Batch, Outcomes
from streams.core.catalogue import Catalogue
from streams.core.events import Rejected, attempt, currency_code, decoded, money, sized
from streams.core.rows import Columns

MONEY, HOURS = "money", "hours"
FIELDS = ("campaign", "day", "kind", "amount", "rate", "currency", "id")

_ABSENT = b"null"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH = date(1970, 1, 1)
_DAYS = 2**16  # that a ClickHouse Date counts
_NANOSECONDS = 1_000_000  # in a millisecond


@dataclass(frozen=True, slots=True)
class Cost:
    """What was spent. `day` is in days since the epoch, `amount` in millionths of the currency or of an hour, `rate`
    in millionths of the currency an hour, 0 for money."""

    id: str
    campaign: str
    day: int
    kind: str
    amount: int
    rate: int
    currency: str


class _Record(Struct, gc=False):
    campaign: str
    day: str
    kind: str
    amount: Raw
    currency: str
    id: str
    rate: Raw = Raw(_ABSENT)


class Taken(NamedTuple):
    """A batch of cost records: the rows of `costs` to write, and what became of every record."""

    columns: Columns
    outcomes: Outcomes


_record = msgspec.json.Decoder(_Record).decode


def take(batch: Batch, arrived: Sequence[int], catalogue: Catalogue) -> Taken:
    """Rows of the records of topic `costs`; `arrived` are their timestamps in ms, none of them ahead of now, since of
    records with the same id the one with the latest counts. Campaigns go through the aliases. Never raises."""
    outcomes, costs, versions = Outcomes(batch), [], []
    for at, found in enumerate([attempt(decode, value) for value in batch.values]):
        if isinstance(found, Rejected):
            outcomes.reject(at, found)
        else:
            costs.append(found)
            versions.append(arrived[at] * _NANOSECONDS + batch.offsets[at] % _NANOSECONDS)
    outcomes.count(accepted=len(costs))
    return Taken(columns(resolved(costs, catalogue), versions), outcomes)


def resolved(costs: Sequence[Cost], catalogue: Catalogue) -> list[Cost]:
    """The same with campaigns by the id that the catalogue gives them; one that it does not list is case-folded."""
    return [replace(cost, campaign=catalogue.resolve(cost.campaign, None, None)) for cost in costs]


def columns(costs: Sequence[Cost], versions: Sequence[int]) -> Columns:
    """Rows of the table `costs`. A version is ns since the epoch: the same id again with a later one replaces it."""
    numbers = {name: np.array([getattr(cost, name) for cost in costs], np.int64) for name in ("day", "amount", "rate")}
    words = {name: [getattr(cost, name) for cost in costs] for name in ("id", "campaign", "kind", "currency")}
    return {**words, **numbers, "version": np.array(versions, np.uint64)}


def decode(raw: bytes | None) -> Cost:
    """One cost record in JSON. Raises Rejected, which says what is wrong."""
    return _cost(decoded(_record, sized(raw)))


def from_cells(cells: Mapping[str, str]) -> Cost:
    """One row of a table: text by column name; space around it does not count. Raises Rejected."""
    filled: dict[str, Any] = {name: text.strip() for name, text in cells.items() if name in FIELDS and text.strip()}
    missing = [f"`{name}`" for name in FIELDS if name not in filled and name != "rate"]
    if missing:
        raise _wrong(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} empty")
    filled.update({name: Raw(filled[name].encode()) for name in ("amount", "rate") if name in filled})
    return _cost(_Record(**filled))


def _cost(record: _Record) -> Cost:
    for name in ("campaign", "id"):
        if not getattr(record, name):
            raise _wrong(f"`{name}` is empty")
    if record.kind not in (MONEY, HOURS):
        raise _wrong(f"`kind` is {record.kind[:20]!r}; it must be {MONEY} or {HOURS}")
    return Cost(
        id=record.id,
        campaign=record.campaign,
        day=_day(record.day),
        kind=record.kind,
        amount=money("amount", bytes(record.amount).strip()),
        rate=_rate(record.kind, bytes(record.rate).strip()),
        currency=currency_code("currency", record.currency),
    )


def _rate(kind: str, text: bytes) -> int:
    if kind == HOURS and text == _ABSENT:
        raise _wrong("`rate` is missing: hours need what one of them costs")
    if kind == MONEY and text != _ABSENT:
        raise _wrong("`rate` is for hours only; leave it out for money")
    return money("rate", text) if kind == HOURS else 0


def _day(text: str) -> int:
    try:
        days = (date.fromisoformat(text) - _EPOCH).days if _DAY.fullmatch(text) else -1
    except ValueError as error:
        raise _wrong(f"`day` is {text!r}, which is no day ({error})") from None
    if not 0 <= days < _DAYS:
        raise _wrong(f"`day` is {text[:20]!r}; it must be a day as in 2026-11-01, from 1970-01-01 to 2149-06-06")
    return days


def _wrong(what: str) -> Rejected:
    return Rejected("malformed", what)
