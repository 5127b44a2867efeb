"""A replay's rows into a database, which must not hold other figures of the same period."""

from __future__ import annotations

from datetime import UTC, datetime

from streams.config import ConfigError
from streams.core.catalogue.model import Catalogue
from streams.core.columns.column import Rows
from streams.replay.bounds import Bounds
from streams.sinks.clickhouse import catalogue as catalogue_rows
from streams.sinks.clickhouse import period
from streams.sinks.clickhouse.client import Client
from streams.sinks.writer import write_rows


def store(client: Client, goals: Catalogue, rows: Rows, replace: bool, bounds: Bounds, begun: bool = False) -> None:
    """Write a replay's rows of that period. `replace` removes first what the database holds of it; `begun` says that
    these rows began to be written before. Raises ConfigError where the database holds other figures of the period."""
    rows = bounds.within(rows)
    if ends := bounds.ends(rows):
        # Journeys are counted by the day; only what a worker reported of its other hours is not in these files.
        days = period.whole_days(*ends) if bounds.open else ends
        live = period.holds_live_rows(client, *days)
        if replace:
            period.remove_rows(client, *(ends if live else days))
        elif live and period.holds_live_rows(client, *ends):
            raise _refusal("what a worker reported", ends)
        elif not begun and period.holds_other_replay(client, *days, rows):
            raise _refusal("another replay, of other files or with another catalogue,", days)
    catalogue_rows.write_catalogue(client, goals)
    write_rows(client, rows)


def _refusal(held: str, ends: tuple[int, int]) -> ConfigError:
    return ConfigError(
        f"the database holds {held} between {_moment(ends[0])} and {_moment(ends[1])}; "
        "replay into another database, or give --replace to remove that period first"
    )


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
