"""Rows of `conversions`, column by column, and of who was seen engaging: from statements and touches."""

from collections.abc import Sequence

import numpy as np

from streams.core.attribution.conversion import WITHDRAWN, Conversion, Paths, column, paths
from streams.core.columns.arrays import I64
from streams.core.columns.column import Columns, Ragged
from streams.core.columns.dictionary import coded, distinct
from streams.core.columns.run import KeyedRows
from streams.core.journeys.kinds import TouchKinds
from streams.core.orders.keys import shown
from streams.core.orders.value import REVERSED
from streams.core.parsing.units import DAY
from streams.core.rows.credit import PendingCredit

_ODD = np.uint64(0x9E3779B97F4A7C15)  # spreads small numbers over 64 bits


def conversion_columns(statements: Sequence[Conversion], kinds: TouchKinds, credit: PendingCredit) -> Columns:
    """One row a statement, as it stands; touches and their `credit` are empty where there is no touch."""
    attributed = [s for s in statements if s.attributed]
    ordered = attributed + [s for s in statements if not s.attributed]
    path = paths(attributed, kinds)
    offsets = np.append(path.journeys.starts, np.full(len(ordered) - len(attributed), len(path.time)))
    words = {name: [getattr(s, name) for s in ordered] for name in ("goal", "currency", "customer", "reason")}
    value, remaining = column(ordered, "value"), column(ordered, "remaining")
    return {
        **{name: coded(column_, np.arange(len(ordered))) for name, column_ in words.items()},
        "conversion_id": [shown(s.order_id) for s in ordered],
        "occurred_at": column(ordered, "time"),
        "first_reported_at": column(ordered, "first") // 1000,
        "updated_at": column(ordered, "updated") // 1000,
        "value": remaining,
        "value_known": np.fromiter((s.known for s in ordered), np.uint8, len(ordered)),
        "reversed_value": value - remaining,
        "user": np.fromiter((s.user for s in ordered), np.uint64, len(ordered)),
        **_touch_columns(path, offsets, kinds),
        "credit": credit.columns(attributed, offsets),
        "status": coded([REVERSED if s.status == WITHDRAWN else s.status for s in ordered], np.arange(len(ordered))),
        "version": np.fromiter((s.version for s in ordered), np.uint64, len(ordered)),
    }


def _touch_columns(path: Paths, offsets: I64, kinds: TouchKinds) -> Columns:
    codes, at = distinct(path.kind)
    words = [kinds.words[code] for code in codes.tolist()]
    names = {
        f"touch_{name}": coded([getattr(w, name) for w in words], at) for name in ("campaign", "network", "action")
    }
    return {"touch_at": Ragged(offsets, path.time), **{name: Ragged(offsets, column) for name, column in names.items()}}


def seen_columns(touches: Sequence[KeyedRows], kinds: TouchKinds) -> Columns:
    """Who was seen, by (day, campaign, network), with next to no row twice; without those that have no token."""
    user = np.concatenate([part.user for part in touches])
    day = np.concatenate([part.time // DAY for part in touches])
    means = np.concatenate([kinds.means_of[part.kind] for part in touches])
    words = kinds.means.words
    # In this order equal rows are neighbours, and a sort by one number is quick.
    order = np.argsort(user ^ (day * len(words) + means).astype(np.uint64) * _ODD)
    rows = np.stack([day, means, user.view(np.int64)])[:, order]
    rows = rows[:, (rows[2] != 0) & (np.diff(rows, axis=1, prepend=-1) != 0).any(axis=0)]
    return {
        "day": rows[0],
        "campaign": coded([campaign for campaign, _ in words], rows[1]),
        "network": coded([network for _, network in words], rows[1]),
        "user": rows[2].view(np.uint64),
    }
