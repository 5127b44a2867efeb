"""The lists of audiences, read again whenever an import has changed them."""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from streams.core.rows.members import Members
from streams.jobs.periodic import Leadership, PeriodicTask
from streams.sinks import audiences
from streams.sinks.clickhouse.client import Client, DatabaseError
from streams.sinks.threads import in_thread

log = structlog.get_logger(__name__)


class AudienceLists:
    """Has a worker go by the lists in the database, all the while that it runs. Whoever leads the group: each worker
    counts the people of its own partitions."""

    def __init__(self, client: Client, owner: Leadership, use: Callable[[Members], Awaitable[None]]) -> None:
        self._client, self._owner, self._use = client, owner, use
        self.turns = PeriodicTask(self._look)
        self._known = ""

    async def _look(self) -> None:
        if not self._owner.ready:
            return
        try:
            state = await in_thread(partial(audiences.state, self._client))
            if state != self._known:
                found = await in_thread(partial(audiences.read, self._client))
                await self._use(found)
                self._known = state
                log.info("audiences were read", lists=len(found.names) - 1, tokens=len(found.token))
        except DatabaseError as error:
            log.warning("could not read the lists of audiences, trying again", error=str(error))
        except Exception:
            log.exception("a defect in the audiences; trying again")
