"""Costs: money or working hours spent on a campaign on a day, from JSON or from the cells of a table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Raw, Struct

from streams.core.catalogue.parse import Catalogue
from streams.core.columns.column import Columns
from streams.core.door.fields.names import normal
from streams.core.events.batch import Batch
from streams.core.events.costs.exports import NOTHING, ColumnLayout
from streams.core.events.watermark import Outcomes
from streams.core.parsing import written
from streams.core.parsing.decoding import Rejected, attempt, currency_code, decoded, money, sized
from streams.core.parsing.limits import ID_BYTES, identifier
from streams.core.parsing.units import LARGEST

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


class CostBatch(NamedTuple):
    """A batch of cost records: the rows of `costs` to write, and what became of every record."""

    columns: Columns
    outcomes: Outcomes


_record = msgspec.json.Decoder(_Record).decode


def take(batch: Batch, arrived: Sequence[int], catalogue: Catalogue) -> CostBatch:
    """Rows of the records of topic `costs`; `arrived` are their timestamps in ms, none of them ahead of now, since of
    records with the same id the one with the latest counts. Campaigns go through the aliases. Never raises."""
    outcomes, costs, versions = Outcomes(batch), [], []
    for at, found in enumerate(map(partial(attempt, decode), batch.values, batch.keys)):
        if isinstance(found, Rejected):
            outcomes.reject(at, found)
        else:
            costs.append(found)
            versions.append(arrived[at] * _NANOSECONDS + batch.offsets[at] % _NANOSECONDS)
    outcomes.count(accepted=len(costs))
    return CostBatch(columns(resolved(costs, catalogue), versions), outcomes)


def resolved(costs: Sequence[Cost], catalogue: Catalogue) -> list[Cost]:
    """Costs with campaigns by the id that the catalogue gives them; one that it does not list is case-folded."""
    return [replace(cost, campaign=catalogue.resolve(cost.campaign, None, None)) for cost in costs]


def columns(costs: Sequence[Cost], versions: Sequence[int]) -> Columns:
    """Rows of the table `costs`. A version is ns since the epoch: the same id again with a later one replaces it."""
    numbers = {name: np.array([getattr(cost, name) for cost in costs], np.int64) for name in ("day", "amount", "rate")}
    words = {name: [getattr(cost, name) for cost in costs] for name in ("id", "campaign", "kind", "currency")}
    return {**words, **numbers, "version": np.array(versions, np.uint64)}


def decode(raw: bytes | None, key: bytes | None = None) -> Cost:
    """One cost record in JSON. Raises Rejected, which says what is wrong."""
    return _cost(decoded(_record, sized(raw, key)))


def from_cells(cells: Mapping[str, str], mark: str = "", month_first: bool | None = None) -> Cost:
    """One row of a table: text by column name; space around it does not count. Without an id it is one in `identified`.

    `mark` is the file's decimal mark, and `month_first` how its days with slashes begin, where that is known.
    Raises Rejected.
    """
    filled = {name: text.strip() for name, text in cells.items() if name in FIELDS and text.strip()}
    missing = [f"`{name}`" for name in FIELDS if name not in filled and name not in ("rate", "id")]
    if missing:
        raise _wrong(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} empty")
    raw: dict[str, Any] = {**filled, "kind": filled["kind"].casefold(), "day": _iso(filled["day"], month_first)}
    for name in ("amount", "rate"):
        if name in filled:
            raw[name] = Raw(_plain(name, filled[name], mark, filled["currency"]).encode())
    return replace(_cost(_Record(**{**raw, "id": filled.get("id", "-")})), id=filled.get("id", ""))


def from_export(cells: Sequence[str], layout: ColumnLayout, mark: str, month_first: bool | None, currency: str) -> Cost:
    """One row of an ad platform's export, in `currency` where it says none. Raises Rejected."""
    cell = partial(_cell, cells)
    on, until = _iso(cell(layout.day), month_first), cell(layout.last)
    if until and _iso(until, month_first) != on and not _is_next_midnight(until, on, month_first):
        raise _wrong(f"the row is of several days, {cell(layout.day)} to {until}; have the report broken down by day")
    code = layout.said or cell(layout.currency) or currency
    if not code:
        raise _wrong("nothing says in which currency it is; give --currency, such as --currency NOK")
    amount = "0" if cell(layout.amount) in NOTHING else _plain("amount", cell(layout.amount), mark, code)
    return replace(_cost(_Record(cell(layout.campaign), on, MONEY, Raw(amount.encode()), code, "-")), id="")


def identified(costs: Sequence[Cost], source: str) -> list[Cost]:
    """Costs without an id get one of what they are about, so that a revised file replaces them; what is about the same
    thing is added up first. Hours of several rates then cost what they cost on average."""
    sums: dict[str, Cost] = {}
    found: list[Cost] = []
    for cost in costs:
        if cost.id:
            found.append(cost)
        else:
            on = _EPOCH + timedelta(days=cost.day)
            made = "/".join((source, normal(cost.campaign), on.isoformat(), cost.kind, cost.currency))
            sums[made] = _added(sums[made], cost) if made in sums else replace(cost, id=made)
    return [*found, *sums.values()]


def _added(one: Cost, other: Cost) -> Cost:
    amount = one.amount + other.amount
    if amount > LARGEST or one.rate == other.rate or not amount:
        return replace(one, amount=min(amount, LARGEST))
    whole = Decimal(one.amount * one.rate + other.amount * other.rate) / amount
    return replace(one, amount=amount, rate=int(whole.to_integral_value(ROUND_HALF_EVEN)))


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place].strip() if 0 <= place < len(cells) else ""


def _is_next_midnight(until: str, on: str, month_first: bool | None) -> bool:
    """Whether a row ends where its day does, as the beginning of the next one."""
    return "00:00" in until and written.day(until, month_first) == date.fromisoformat(on) + timedelta(days=1)


def _plain(name: str, text: str, mark: str, currency: str) -> str:
    try:
        return written.decimal(text, mark, currency)
    except ValueError as error:
        raise _wrong(f"`{name}`: {error}") from None


def _iso(text: str, month_first: bool | None) -> str:
    try:
        return written.day(text, month_first).isoformat()
    except ValueError as error:
        raise _wrong(f"`day`: {error}") from None


def _cost(record: _Record) -> Cost:
    for name in ("campaign", "id"):
        if not getattr(record, name):
            raise _wrong(f"`{name}` is empty")
        if not identifier(getattr(record, name)):
            raise _wrong(f"`{name}` has more than {ID_BYTES} bytes")
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
