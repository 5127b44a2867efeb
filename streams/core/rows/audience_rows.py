"""Rows of `engagement_audience` as columns: put together, told apart and found by their keys."""

from typing import Any, NamedTuple

import numpy as np

from streams.core.columns.arrays import I64, U64, Mask


class AudienceRows(NamedTuple):
    """Distinct rows of `engagement_audience` in order; `holds`: not removed; `means` are codes of TouchKinds.means."""

    user: U64
    audience: I64
    means: I64
    day: I64
    holds: Mask

    def take(self, at: I64 | Mask) -> "AudienceRows":
        columns: list[Any] = [column[at] for column in self]
        return AudienceRows(*columns)


_NUMBERS = np.zeros(0, np.int64)
NONE = AudienceRows(np.zeros(0, np.uint64), _NUMBERS, _NUMBERS, _NUMBERS, np.zeros(0, np.bool_))


def joined(one: AudienceRows, other: AudienceRows) -> AudienceRows:
    """The rows of both."""
    columns: list[Any] = [np.concatenate(pair) for pair in zip(one, other, strict=True)]
    return AudienceRows(*columns)


def _order(rows: AudienceRows) -> tuple[I64, Mask]:
    """The order of the rows, those of one key as they came; which of them, in it, are the first of their key."""
    order = np.lexsort((rows.day, rows.means, rows.audience, rows.user))
    keys = [column[order] for column in rows[:4]]
    other = (
        np.logical_or.reduce([column[1:] != column[:-1] for column in keys]) if len(order) else np.zeros(0, np.bool_)
    )
    return order, np.append(True, other)[: len(order)]


def ordered(rows: AudienceRows) -> AudienceRows:
    """In the order of their keys."""
    return rows.take(_order(rows)[0])


def distinct(rows: AudienceRows) -> AudienceRows:
    """One row a key, which holds where any does."""
    order, first = _order(rows)
    if not len(order):
        return rows
    holds = np.logical_or.reduceat(rows.holds[order], np.flatnonzero(first))
    return rows.take(order[first])._replace(holds=holds)


def latest(rows: AudienceRows) -> AudienceRows:
    """Of each key the row that came last."""
    order, first = _order(rows)
    return rows.take(order[np.append(first[1:], True)[: len(order)]])


def places(there: AudienceRows, wanted: AudienceRows) -> I64:
    """Where each of the wanted keys is among those there, which are distinct; -1 where it is not."""
    both = joined(there, wanted)
    order, first = _order(both)
    group = np.cumsum(first) - 1
    place = np.full(len(np.flatnonzero(first)), -1)
    ours = order < len(there.user)
    place[group[ours]] = order[ours]
    found = np.empty(len(order), np.int64)
    found[order] = place[group]
    return found[len(there.user) :]
