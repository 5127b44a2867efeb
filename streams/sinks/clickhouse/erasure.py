"""A token's rows in ClickHouse: where there are any, and what is left when they become nobody's.

A worker restates what its ledger still knows. This is for the rest: conversions older than that, databases that only
`replay` fills, and versions of rows that were replaced. Totals stay: what a campaign had of an erased conversion goes
to the reason `erased`, in rows of a `partition` that no worker has. They say what is missing of what `conversions` adds
up to, so doing it again, after a crash too, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from streams.core.attribution.conversion import TOUCH, WITHDRAWN, Conversion
from streams.core.columns.column import Columns
from streams.core.columns.dictionary import Dictionary, coded
from streams.core.journeys.kinds import TouchKind, TouchKinds
from streams.core.orders.cause import Cause
from streams.core.rows.contributions import CELL_BITS, UNATTRIBUTED, AggregateKey, contributions
from streams.core.rows.conversions import conversion_columns
from streams.core.rows.credit import PendingCredit
from streams.core.rows.tables import TABLES
from streams.sinks.clickhouse.client import Client

PARTITION = 2**32 - 1  # of the rows that are made here
_AT_ONCE = {"mutations_sync": "2"}
_UNIT = 1_000_000
_CELL = ("goal", "model", "campaign", "network", "customer", "reason", "currency")
_AMOUNTS = ("conversions", "value", "reversed_conversions", "reversed_value")
_MINUTE = "toStartOfMinute(occurred_at)"
_THEIRS = f"{_MINUTE} IN (SELECT {_MINUTE} FROM conversions FINAL WHERE user = {{token:UInt64}})"
_LIVE = f"{_MINUTE} IN (SELECT window_start FROM goal_attribution WHERE origin = 'live')"
_REPLACED = "(goal, conversion_id) IN (SELECT goal, conversion_id FROM conversions FINAL WHERE user != {token:UInt64})"

Sums = dict[tuple[Any, ...], NDArray[np.int64]]


def traces(client: Client, token: int) -> dict[str, int]:
    """How many rows of each table that says whose they are have that token (a hash), replaced versions included."""
    return {
        table: client.query(f"SELECT count() AS n FROM {table} WHERE {whose}", {"token": token})[0]["n"]
        for table, whose in _whose().items()
    }


def _whose() -> dict[str, str]:
    """For each table that says whose its rows are, the condition that they are the token's."""
    found = {}
    for name, table in TABLES.items():
        columns = [column for column in ("token", "user") if column in table.columns]
        if columns and table.engine != "Null":
            found[name] = " OR ".join(f"{column} = {{token:UInt64}}" for column in columns)
    return found


def reported_live(client: Client, token: int) -> bool:
    """Whether a worker reported in the minutes of that token's conversions."""
    query = f"SELECT 1 FROM conversions FINAL WHERE {_THEIRS} AND {_LIVE} LIMIT 1"
    return bool(client.query(query, {"token": token}))


def erase(client: Client, token: int, now: int) -> int:
    """Make that token's (a hash) rows nobody's; `now` in ms. How many conversions that were. Raises DatabaseError."""
    found = client.query(f"SELECT * FROM conversions FINAL WHERE {_THEIRS}", {"token": token})
    kinds = TouchKinds()
    before = [_statement(row, kinds) for row in found]
    theirs = [(old, _erased(old, now)) for old in before if old.user == token]
    if theirs:
        origin = "live" if reported_live(client, token) else "replay"
        _restate(client, before, theirs, kinds, (origin, now // 3_600_000 * 3600), now)
        version = np.array([row["version"] + 1 for row in found if row["user"] == token], np.uint64)
        rows = conversion_columns([new for _, new in theirs], kinds, PendingCredit())  # they have no touches
        client.insert("conversions", {**rows, "version": version})
    _remove(client, token)
    return len(theirs)


def _remove(client: Client, token: int) -> None:
    """Remove the rows that still have it; of a conversion only what was replaced."""
    whose = _whose()
    for table in (table for table, rows in traces(client, token).items() if rows):
        also = f" AND {_REPLACED}" if table == "conversions" else ""
        client.command(f"ALTER TABLE {table} DELETE WHERE ({whose[table]}){also}", {"token": token}, _AT_ONCE)


def _statement(row: Mapping[str, Any], kinds: TouchKinds) -> Conversion:
    """What was stated, as far as figures and rows need it."""
    columns = (row["touch_campaign"], row["touch_network"], row["touch_action"])
    codes = [kinds.code(TouchKind(*words)) for words in zip(*columns, strict=True)]
    touches = np.array(list(zip(map(_ms, row["touch_at"]), codes, strict=True)), TOUCH)
    value, taken = _micro(row["value"]), _micro(row["reversed_value"])
    return Conversion(
        goal=row["goal"],
        order_id=row["conversion_id"],
        time=_ms(row["occurred_at"]),
        user=row["user"],
        customer=row["customer"],
        currency=row["currency"],
        reason=row["reason"],
        value=value + taken,
        remaining=value,
        # Without touches there is a reason, unless it does not count for the goal any more.
        status=row["status"] if codes or row["reason"] else WITHDRAWN,
        touches=touches.tobytes(),
        newest=0,
        first=_ms(row["first_reported_at"]),
        updated=_ms(row["updated_at"]),
    )


def _erased(statement: Conversion, now: int) -> Conversion:
    return structs.replace(statement, user=0, touches=b"", reason="erased", updated=now)


def _restate(
    client: Client,
    before: Sequence[Conversion],
    theirs: Sequence[tuple[Conversion, Conversion]],
    kinds: TouchKinds,
    place: tuple[str, int],
    version: int,
) -> None:
    """Write what `goal_attribution` lacks in the cells concerned; `place` is their origin and hour (s)."""
    concerned = _sums([statement for pair in theirs for statement in pair], kinds).keys()
    erased = dict(theirs)
    wanted = _sums([erased.get(statement, statement) for statement in before], kinds)
    windows = sorted({key[0] for key in concerned})
    present, ours = _present(client, windows), _present(client, windows, place)
    zero = np.zeros(4, object)  # Python's integers: sums may not fit in 64 bits
    lacking = {key: wanted.get(key, zero) - present.get(key, zero) for key in concerned}
    rows = {key: ours.get(key, zero) + lack for key, lack in lacking.items() if lack.any()}
    if rows:
        columns = _columns(rows, place, version)
        client.insert("goal_attribution", columns)
        cause = coded([Cause.ERASURE.word], np.zeros(len(rows), np.int64))
        client.insert("goal_restatements", {**columns, "cause": cause})


def _sums(statements: Sequence[Conversion], kinds: TouchKinds) -> Sums:
    """What those add up to, by window (s) and cell."""
    cells, found = Dictionary[AggregateKey](), Sums()
    for part in contributions(statements, kinds, cells).parts:
        for key, amounts in zip(part.keys[0].tolist(), part.amounts, strict=True):
            cell = cells.words[key & ((1 << CELL_BITS) - 1)]
            means = ("", "") if cell.means == UNATTRIBUTED else kinds.means.words[cell.means]
            at = ((key >> CELL_BITS) * 60, cell.goal, cell.model, *means, cell.customer, cell.reason, cell.currency)
            found[at] = found.get(at, np.zeros(4, object)) + amounts
    return found


def _present(client: Client, windows: Iterable[int], place: tuple[str, int] | None = None) -> Sums:
    """What `goal_attribution` has, or those rows of it that are made here and at that place."""
    listed = ", ".join(f"toDateTime({window}, 'UTC')" for window in windows)
    at = f" AND origin = '{place[0]}' AND reported_at = toDateTime({place[1]}, 'UTC')" if place else ""
    made = f" AND partition = {PARTITION}{at}" if place else ""
    sums = ", ".join(f"sum({name}) AS sum_{name}" for name in _AMOUNTS)
    names = ", ".join(("window_start", *_CELL))
    query = (
        f"SELECT {names}, {sums} FROM goal_attribution FINAL WHERE window_start IN ({listed}){made} GROUP BY {names}"
    )
    return {
        (_ms(row["window_start"]) // 1000, *(row[name] for name in _CELL)): np.array(
            [_micro(row[f"sum_{name}"]) for name in _AMOUNTS], object
        )
        for row in client.query(query)
    }


def _columns(rows: Sums, place: tuple[str, int], version: int) -> Columns:
    origin, hour = place
    keys, n = list(rows), len(rows)
    words = {name: coded([key[i + 1] for key in keys], np.arange(n)) for i, name in enumerate(_CELL)}
    amounts = np.stack([rows[key] for key in keys])
    return {
        "window_start": np.array([key[0] for key in keys], np.int64),
        "reported_at": np.full(n, hour),
        "origin": coded([origin], np.zeros(n, np.int64)),
        **words,
        "partition": np.full(n, PARTITION),
        **{name: amounts[:, i] for i, name in enumerate(_AMOUNTS)},
        "version": np.full(n, version, np.uint64),
    }


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _micro(amount: Any) -> int:
    return int(amount * _UNIT)
