"""Work on batches that our own code may fail on: those records become dead letters, and the partition goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

import structlog

from streams.core.events.batch import Batch
from streams.core.journal.segment import Segment
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import Applied
from streams.core.privacy.requests import apart
from streams.worker.ledgers.errors import LedgerError
from streams.worker.ledgers.proxy import LedgerHandle, LedgerStatus, applied, failing, ledger_status
from streams.worker.watch.defects import Defects, described, parted

LOOK_AGAIN = 0.2  # s
P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)


class Packed(NamedTuple):
    """A segment with its value in the journal, and its bytes before it was compressed."""

    segment: Segment
    value: bytes
    size: int


class Done(NamedTuple):
    """What records did, how the ledger stands then, and what is to be journalled."""

    applied: Applied
    standing: LedgerStatus
    records: Sequence[Packed]


class Owner(Protocol):
    """What work needs of the partition that it is for."""

    @property
    def closed(self) -> bool: ...

    def now(self) -> tuple[int, int]: ...

    def records(self, segment: Segment) -> Sequence[Packed]: ...

    async def restore(self) -> None: ...


class Work:
    """Asks the ledger of a partition, which is made anew where our own code fails in it."""

    def __init__(self, number: int, ledger: LedgerHandle, owner: Owner) -> None:
        self._number, self._ledger, self._owner = number, ledger, owner
        self._defects = Defects()

    async def on(self, batch: Batch) -> AsyncIterator[Done]:
        """What the batch does. What our code fails on even in an empty ledger is found there; what it still fails on,
        one by one. Raises LedgerError and DefectsError."""
        for tried in (self._defects.careful, True):
            try:
                async for done in self._in_parts(batch, tried):
                    yield done
                return
            except LedgerError:
                raise
            except Exception as defect:
                self._failed(defect, _where(batch))
        for at in range(len(batch.values)):
            yield await self._guarded(batch.part(at, at + 1))

    async def _in_parts(self, batch: Batch, tried: bool) -> AsyncIterator[Done]:
        """What the batch does; where it is to be `tried` first, records that our code fails on come to nothing."""
        await self.mended()
        known = await self._ledger.ask(failing, applied, batch, self._owner.now()[0]) if tried else {}
        for records, defect in parted(batch, known):
            for part in apart(records):
                yield await (self._skip(part, defect) if defect else self._apply(part))
        self._defects.passed()

    async def _apply(self, part: Batch) -> Done:
        done, stands = await self._ledger.ask(applied, part, *self._owner.now())
        return Done(done, stands, self._owner.records(done.segment))

    async def _skip(self, part: Batch, defect: str) -> Done:
        done = await self._ledger.ask(Ledger.skip, part, defect)
        return Done(done, await self._ledger.ask(ledger_status), self._owner.records(done.segment))

    async def _guarded(self, record: Batch) -> Done:
        await self.mended()
        try:
            done = await self._apply(record)
            self._defects.passed()
            return done
        except LedgerError:
            raise
        except Exception as defect:
            self._failed(defect, _where(record))
            await self.mended()
            return await self._skip(record, described(defect))

    async def reported(self, work: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What `work` says, which is given the ledger; None where our code fails. Raises LedgerError, DefectsError."""
        try:
            return await self._ledger.ask(work, *args, **kwargs)
        except LedgerError:
            raise
        except Exception as defect:
            self._failed(defect, f"the report of partition {self._number}")
            return None

    def journalled(self, segment: Segment | None) -> Sequence[Packed] | None:
        """The segment of a report as records; None where our code fails. Raises DefectsError."""
        try:
            return self._owner.records(segment) if segment else []
        except Exception as defect:
            self._failed(defect, f"the report of partition {self._number}")
            return None

    def _failed(self, defect: Exception, where: str) -> None:
        log.error("a defect of ours", where=where, exc_info=defect)
        self._defects.found(where, defect)

    @property
    def waits(self) -> bool:
        """Whether the ledger may not be made anew yet."""
        return self._defects.tainted and self._defects.wait > 0

    async def mended(self) -> None:
        """Have a ledger that our own code has not failed in: once in a while, not for every defect."""
        if self._defects.tainted:
            while self._defects.wait > 0 and not self._owner.closed:
                await asyncio.sleep(LOOK_AGAIN)
            await self._owner.restore()
            self._defects.mended()


def _where(batch: Batch) -> str:
    return f"{batch.topic}/{batch.partition} from offset {batch.offsets[0] if batch.offsets else 'unknown'}"
