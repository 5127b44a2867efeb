"""Faust's recovery of tables, whole also where a group shares its partitions out again while it reads."""

from __future__ import annotations

from collections import Counter

from faust.tables import recovery
from faust.types import TP
from faust.types.transports import ConsumerT


class Recovery(recovery.Recovery):  # type: ignore[misc]
    """Faust's recovery, which goes by what it reads now and not by what it read for an earlier assignment."""

    def need_recovery(self) -> bool:
        """Whether a changelog is still to be read to its end, or its end is not known yet."""
        known = self.active_highwaters.keys()
        return not self.active_tps <= known or super().need_recovery()

    async def _build_offsets(self, consumer: ConsumerT, tps: set[TP], destination: Counter[TP], title: str) -> None:
        """Begin before the first record. Faust goes on from an earlier assignment's last one, which may have been read
        after that assignment had ended: what was restored before it is forgotten by then."""
        earliest = await consumer.earliest_offsets(*tps)
        for tp in tps:
            destination[tp] = earliest[tp] - 1

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Say that tables are restored, and let streams go on; neither where the partitions are shared out again."""
        if generation_id == self.app.consumer_generation_id:
            await super().on_recovery_completed(generation_id)
