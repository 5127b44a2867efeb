"""What campaigns caused, from the view `campaign_lift` into the table `measured_lift`, which is read at once."""

import time
from functools import partial

import structlog

from streams.jobs.periodic import Leadership, PeriodicTask
from streams.sinks.clickhouse.client import Client, DatabaseError
from streams.sinks.threads import in_thread

SHARE = 0.02  # of the time, at the most, that ClickHouse is kept busy with it
_INSERT = """
INSERT INTO measured_lift
SELECT campaign, goal, model, status, incremental, incremental_low, incremental_high, ifNull(attributed, 0),
    {version:UInt64}
FROM campaign_lift WHERE measure = 'conversions'
"""
_ANY = "SELECT 1 FROM holdouts FINAL LIMIT 1"

log = structlog.get_logger(__name__)


class LiftRefresher:
    """Keeps measured lift fresh while a worker runs; a failure is logged and tried again, and stops nothing."""

    def __init__(self, client: Client, owner: Leadership) -> None:
        self._client, self._owner = client, owner
        self.turns = PeriodicTask(self._refresh)
        self._next = 0.0

    async def _refresh(self) -> None:
        started = time.monotonic()
        if started < self._next or not (self._owner.leads and self._owner.ready):
            return
        try:
            await in_thread(partial(refresh, self._client, time.time_ns() // 1_000_000))
        except DatabaseError as error:
            log.warning("could not measure lift, trying again", error=str(error))
        except Exception:
            log.exception("a defect in the measured lift; trying again")
        self._next = time.monotonic() + (time.monotonic() - started) / SHARE


def refresh(client: Client, now: int) -> bool:
    """Work it out where a campaign has a holdout; `now` in ms. Whether there was any. Raises DatabaseError."""
    if not client.query(_ANY):
        return False
    client.command(_INSERT, {"version": now})
    return True
