"""Exchange rates in the table `rates`: those that banks publish, and those that the catalogue states."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from streams.core.columns.column import Columns
from streams.core.events.costs.exchange_rates import Rate
from streams.core.parsing.units import MICRO
from streams.sinks.clickhouse.client import Client

CATALOGUE = "catalogue"
_EPOCH = date(1970, 1, 1)  # before all days: a stated rate counts where there is no other
_STATED = f"SELECT currency, base, amount, worth FROM rates FINAL WHERE source = '{CATALOGUE}'"


class _Row(NamedTuple):
    rate: Rate
    removed: bool = False


def write(client: Client, source: str, rates: Sequence[Rate]) -> int:
    """Write what a bank published; a rate of the same day again replaces it. Returns how many there were."""
    if rates:
        client.insert("rates", _columns(source, [_Row(rate) for rate in rates], time.time_ns()))
    return len(rates)


def write_stated(client: Client, base: str, stated: Mapping[str, Decimal]) -> None:
    """Make the catalogue's rates in the table equal to these, units of `base` for one of each currency."""
    wanted = {currency: Rate(_EPOCH, currency, base, MICRO, int(rate.scaleb(6))) for currency, rate in stated.items()}
    found = client.query(_STATED)
    known = {
        row["currency"]: Rate(
            _EPOCH, row["currency"], row["base"], *(int(row[n].scaleb(6)) for n in ("amount", "worth"))
        )
        for row in found
    }
    changed = [_Row(rate) for currency, rate in wanted.items() if known.get(currency) != rate]
    changed += [_Row(rate, removed=True) for currency, rate in known.items() if currency not in wanted]
    if changed:
        client.insert("rates", _columns(CATALOGUE, changed, time.time_ns()))


def _columns(source: str, rows: Sequence[_Row], version: int) -> Columns:
    return {
        "source": [source] * len(rows),
        "day": _integers((row.rate.day - _EPOCH).days for row in rows),
        "currency": [row.rate.currency for row in rows],
        "base": [row.rate.base for row in rows],
        "amount": _integers(row.rate.amount for row in rows),
        "worth": _integers(row.rate.worth for row in rows),
        "removed": _integers(row.removed for row in rows),
        "version": np.full(len(rows), version, np.uint64),
    }


def _integers(values: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(list(values), np.int64)
