"""Says that state could not be written to files, once a minute and partition."""

import structlog

from streams.core.parsing.units import MINUTE

log = structlog.get_logger(__name__)


class Unfiled:
    """Of one partition."""

    def __init__(self, partition: int) -> None:
        self._partition, self._told = partition, -MINUTE

    def tell(self, now: int, refused: str) -> None:
        """At that time (ms), why the last file could not be written; '' where it could."""
        if refused and now - self._told >= MINUTE:
            self._told = now
            log.warning(
                "state cannot be written to files and stays in memory, which grows; nothing is lost: make room in "
                "MAALSTROM_DATADIR, or make it writable",
                partition=self._partition,
                error=refused,
            )
