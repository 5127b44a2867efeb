"""Faust's tables: their values are in whatever they are given, and they are there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from faust.stores import STORES, memory
from faust.tables import TableManager
from faust.types import TP, EventT

from streams.core.journal.chunks import owner

STORE = "given://values"  # the URL by which Faust finds it; without a host it would take another store
GIVEN = "values"  # the option of the table that is its values


class TableValues(Protocol):
    """What a table's values are in; `keep` removes those of all other partitions."""

    def __setitem__(self, key: bytes, value: bytes) -> None: ...

    def pop(self, key: bytes, default: None) -> bytes | None: ...

    def keep(self, partitions: set[int]) -> None: ...


class TableStore(memory.Store[bytes, bytes]):  # type: ignore[misc]
    """A store of values by the keys of the journal, each in the partition that its key names."""

    def __init__(self, *args: Any, options: dict[str, TableValues], **more: Any) -> None:
        super().__init__(*args, options=options, **more)
        self.data = options[GIVEN]

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Apply records one after the other; pass over one that lies in another partition than its key names."""
        for event in batch:
            message = event.message
            if owner(message.key) != message.partition:
                continue
            if message.value is None:
                self.data.pop(message.key, None)
            else:
                self.data[message.key] = message.value

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Remove what came late of partitions that are somebody else's."""
        self.data.keep({tp.partition for tp in active_tps})


class PromptTables(TableManager):  # type: ignore[misc]
    """Faust's tables, without the second that it waits before it registers them and the group is joined."""

    async def on_start(self) -> None:
        """Register the tables at once."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


STORES["given"] = f"{__name__}:TableStore"
