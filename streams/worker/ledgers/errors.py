"""Why a ledger cannot do what it is asked."""

from streams.core.journal.segment import SegmentKey


class LedgerError(Exception):
    """The ledger is not there any more."""


class LedgerLostError(LedgerError):
    """The ledger's process ended; the text says what to do."""


class ForeignJournalError(LedgerError):
    """What the journal has was not made for this worker; the text says what to do."""


class LedgerDroppedError(LedgerError):
    """The ledger was dropped: what becomes of the call is nobody's business."""


class UnreadableError(LedgerError):
    """A segment of its journal that this version cannot read: its `key`, and `why`."""

    def __init__(self, key: SegmentKey, why: str) -> None:
        super().__init__(key, why)
        self.key, self.why = key, why
