"""Says that campaigns are counted as `(other)`, once a day and partition."""

import structlog

from streams.core.parsing.units import DAY

log = structlog.get_logger(__name__)


class OtherCampaigns:
    """Of one partition."""

    def __init__(self, partition: int) -> None:
        self._partition, self._told = partition, 0

    def tell(self, now: int, folded: int) -> None:
        """Count events that had a campaign that was one too many at that time (ms)."""
        if folded and self._told != now // DAY:
            self._told = now // DAY
            log.warning(
                "too many campaigns today that the catalogue does not list: more are counted as `(other)`; list those "
                "that matter in the catalogue, or raise MAALSTROM_CAMPAIGNS",
                partition=self._partition,
            )
