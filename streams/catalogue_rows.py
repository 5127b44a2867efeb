"""The catalogue as rows of the tables `goals`, `campaigns` and `holdouts`, which reports and views read; and what these
read of the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from streams.clickhouse import Client
from streams.core.catalogue import Campaign, Catalogue, Goal
from streams.core.rows import TABLES, Column, Ragged

# What a Date32 can hold.
_EARLIEST, _LATEST = date(1900, 1, 1), date(2299, 12, 31)
_EPOCH = date(1970, 1, 1)
_UNSET = {"Array(String)": (), "String": "", "LowCardinality(String)": ""}


def write_catalogue(client: Client, catalogue: Catalogue) -> None:
    """Make those tables equal to the catalogue: what is no longer listed goes, what is equal stays."""
    _align(client, "goals", [_goal(goal, catalogue.base_currency) for goal in catalogue.goals])
    _align(client, "campaigns", [_campaign(campaign) for campaign in catalogue.campaigns])
    _align(client, "holdouts", [{"id": h.campaign.id, "share": h.share, "salt": h.salt} for h in catalogue.holdouts])


def write_settings(client: Client, smallest_group: int) -> None:
    """Show campaigns by name from so many users on."""
    _align(client, "settings", [{"id": "smallest_group", "value": str(smallest_group)}])


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
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "means": campaign.means,
        "aliases": campaign.aliases,
        "coupons": campaign.coupons,
        "start": _storable(campaign.start),
        "end": _storable(campaign.end),
    }


def _storable(day: date | None) -> date | None:
    return None if day is None else min(max(day, _EARLIEST), _LATEST)


def _align(client: Client, table: str, wanted: Sequence[Mapping[str, Any]]) -> None:
    known = {row["id"]: row for row in client.query(f"SELECT * EXCEPT (removed, version) FROM {table} FINAL")}
    changed = [{**row, "removed": 0} for row in wanted if _comparable(known.get(row["id"], {})) != _comparable(row)]
    for gone in known.keys() - {row["id"] for row in wanted}:
        changed.append({"id": gone, "removed": 1})
    if changed:
        newest = client.query(f"SELECT max(version) AS newest FROM {table}")[0]["newest"]
        rows = [{**row, "version": newest + 1} for row in changed]
        client.insert(table, {name: _column(kind, name, rows) for name, kind in TABLES[table].columns.items()})


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
