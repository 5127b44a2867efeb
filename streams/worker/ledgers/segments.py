"""What a ledger is made of: the segments of a journal, where they can be read and were made for this worker."""

from collections.abc import Collection
from typing import NamedTuple

from streams.core.events.topics import growing
from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import NewerError, Segment, SegmentError, SegmentKey
from streams.core.ledger.settings import LedgerSettings
from streams.kafka.segment_codec import unpacked
from streams.worker.ledgers.errors import ForeignJournalError, UnreadableError

WAY_OUT = (
    ". The state would be wrong, so nothing was done. If somebody else wrote it, delete it: write a record with its "
    "key and no value. Else read the sources again, with another MAALSTROM_APP_ID and a database of its own"
)


class Made(NamedTuple):
    """What a journal is made for: its token key's fingerprint, how many partitions the topics have, and in the first
    how many of them keys live."""

    token_key: int
    partitions: int
    homes: int


def read(key: SegmentKey, value: bytes) -> tuple[Segment, int]:
    """The segment that is that value, and its bytes. Raises UnreadableError."""
    try:
        return unpacked(value)
    except SegmentError as error:
        raise UnreadableError(key, str(error) if isinstance(error, NewerError) else f"{error}{WAY_OUT}") from None


def made_for(segments: Collection[Segment], rules: LedgerSettings, number: int, partitions: int) -> Made:
    """What they, or an empty journal from now on, are made for. Raises ForeignJournalError where that is another key
    or another number of partitions."""
    ours = Made(Tokens(rules.token_key).fingerprint, partitions, partitions)
    if {segment.token_key for segment in segments} - {0, ours.token_key}:
        raise ForeignJournalError(
            f"users in the journal of partition {number} are hashed with another MAALSTROM_TOKEN_KEY; set the one that "
            "it was begun with, or begin anew with another MAALSTROM_APP_ID and another database (MAALSTROM_CLICKHOUSE)"
        )
    said = {segment.partitions for segment in segments} - {0}
    if said and partitions not in said:
        raise ForeignJournalError(
            f"the journal is made for {max(said)} partitions, and the topics have {partitions}: keys hash to others "
            f"now; {growing(partitions)}"
        )
    return ours._replace(homes=min(({segment.homes for segment in segments} - {0}) or {partitions}))


def half_grown(partitions: int) -> str:
    """What is wrong, and what to do, where journals of one worker are made for different numbers of partitions."""
    return f"some partitions of the journal have not heard that others were added; {growing(partitions)}"
