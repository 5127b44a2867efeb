"""The catalogue as rows of the tables `goals`, `campaigns`, `holdouts` and `rates`, which reports and views read; and
what these read of the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from streams.core.catalogue.parse import Campaign, Catalogue, Goal
from streams.core.columns.column import Column, Ragged
from streams.core.door.fields.names import normal
from streams.core.rows.tables import TABLES
from streams.sinks.clickhouse.client import Client
from streams.sinks.clickhouse.rates import write_stated

# What a Date32 can hold.
_EARLIEST, _LATEST = date(1900, 1, 1), date(2299, 12, 31)
_EPOCH = date(1970, 1, 1)
_NAMED = 3  # goals or campaigns that are named where several differ
_UNSET = {"Array(String)": (), "String": "", "LowCardinality(String)": "", "UInt8": 0}


def write_catalogue(client: Client, catalogue: Catalogue) -> None:
    """Make those tables equal to the catalogue: what is no longer listed goes, what is equal stays. Its time zone is
    the setting `timezone`."""
    for table, rows in _listed(catalogue).items():
        _align(client, table, rows)
    write_stated(client, catalogue.base_currency, catalogue.rates)
    _align(client, "holdouts", [{"id": h.campaign.id, "share": h.share, "salt": h.salt} for h in catalogue.holdouts])
    write_setting(client, "timezone", catalogue.timezone)


def differing(client: Client, catalogue: Catalogue) -> list[str]:
    """Goals and campaigns that the database has otherwise than the catalogue, or that one of them lacks, the first few
    by name. Raises DatabaseError."""
    found = {table: _changes(client, table, rows, whole=True) for table, rows in _listed(catalogue).items()}
    return [
        f"{table} {', '.join(row['id'] for row in rows[:_NAMED])}{' and more' * (len(rows) > _NAMED)}"
        for table, rows in found.items()
        if rows
    ]


def replaced(client: Client, catalogue: Catalogue) -> list[str]:
    """What of another catalogue goes when this one is written, as `differing` says it; nothing where there is none yet.
    Raises DatabaseError."""
    none_yet = client.query("SELECT count() AS goals FROM goals")[0]["goals"] == 0
    return [] if none_yet else differing(client, catalogue)


def _listed(catalogue: Catalogue) -> dict[str, list[dict[str, Any]]]:
    """The rows of goals and campaigns, by table."""
    return {
        "goals": [_goal(goal, catalogue.base_currency) for goal in catalogue.goals],
        "campaigns": [_campaign(campaign) for campaign in catalogue.campaigns],
    }


def write_settings(client: Client, smallest_group: int) -> None:
    """Show campaigns by name from so many users on."""
    write_setting(client, "smallest_group", str(smallest_group))


def write_setting(client: Client, name: str, value: str) -> None:
    """Keep a setting."""
    _align(client, "settings", [{"id": name, "value": value}], whole=False)


def setting(client: Client, name: str) -> str:
    """What a setting is; '' where it is none. Raises DatabaseError."""
    rows = client.query("SELECT value FROM settings FINAL WHERE id = {name:String}", {"name": name})
    return str(rows[0]["value"]) if rows else ""


def _goal(goal: Goal, currency: str) -> dict[str, Any]:
    return {
        "id": goal.id,
        "name": goal.name,
        "event": goal.event,
        "where": json.dumps(dict(goal.where), ensure_ascii=False, sort_keys=True),
        "unit": goal.unit,
        "target": goal.target,
        "by": _storable(goal.by),
        "value": None if goal.value is None else Decimal(goal.value).scaleb(-6),
        "windows": json.dumps(asdict(goal.windows)),
        "currency": currency,
        "counts_for_return": int(goal.counts_for_return),
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "means": campaign.means,
        "aliases": campaign.aliases,
        "called": list(dict.fromkeys(map(normal, (campaign.id, *campaign.aliases)))),
        "coupons": campaign.coupons,
        "start": _storable(campaign.start),
        "end": _storable(campaign.end),
    }


def _storable(day: date | None) -> date | None:
    return None if day is None else min(max(day, _EARLIEST), _LATEST)


def _align(client: Client, table: str, wanted: Sequence[Mapping[str, Any]], whole: bool = True) -> None:
    """Make the table equal to what is wanted; not as a `whole`: only the rows of those ids."""
    changed = _changes(client, table, wanted, whole)
    if changed:
        newest = client.query(f"SELECT max(version) AS newest FROM {table}")[0]["newest"]
        rows = [{**row, "version": newest + 1} for row in changed]
        client.insert(table, {name: _column(kind, name, rows) for name, kind in TABLES[table].columns.items()})


def _changes(client: Client, table: str, wanted: Sequence[Mapping[str, Any]], whole: bool) -> list[dict[str, Any]]:
    """The rows that would make the table equal to what is wanted."""
    ours = ", ".join(name for name in TABLES[table].columns if name not in ("removed", "version"))  # no later version's
    known = {row["id"]: row for row in client.query(f"SELECT {ours} FROM {table} FINAL")}
    changed = [{**row, "removed": 0} for row in wanted if _comparable(known.get(row["id"], {})) != _comparable(row)]
    gone = known.keys() - {row["id"] for row in wanted} if whole else set()
    return changed + [{"id": id_, "removed": 1} for id_ in sorted(gone)]


def _comparable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def _column(kind: str, name: str, rows: Sequence[Mapping[str, Any]]) -> Column:
    values = [row.get(name, _UNSET.get(kind)) for row in rows]
    if kind.startswith("Array"):
        return Ragged(np.cumsum([0, *map(len, values)]), [word for words in values for word in words])
    if kind.startswith("Nullable(Decimal"):
        return [None if value is None else int(value.scaleb(6)) for value in values]
    if kind.startswith("Nullable(Date"):
        return [None if value is None else (value - _EPOCH).days for value in values]
    return np.array(values, np.int64) if kind.startswith("UInt") else values
