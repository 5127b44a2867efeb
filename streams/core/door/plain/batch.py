"""A batch of records, read: touches in columns, whatever else there is as events."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from streams.core.door.canonical import Event, Fault, Message, Rejected, Words


class Kind(NamedTuple):
    """What a touch is, whoever made it."""

    action: str
    words: Words


class Touches(NamedTuple):
    """Touches in columns, in the order of their messages. `at` is the message's place in the batch, `time` in ms,
    `denied` as in Message, `kind` an index of `kinds` (which are not in order and may have some more)."""

    at: Sequence[int]
    message_ids: list[str]
    time: NDArray[np.int64]
    user_ids: list[str]
    anonymous_ids: list[str]
    denied: list[bool | None]
    kind: list[int]
    kinds: Sequence[Kind]


NO_TOUCHES = Touches((), [], np.empty(0, np.int64), [], [], [], [], ())


@dataclass(slots=True)
class DecodedBatch:
    """What a batch of records is.

    A record is one message, or a batch body with several: message `i` of the batch has the bytes `raws[i]` and came
    in the record at `records[i]` (None: each in its own). `events` are all but touches and ignored ones; each
    of them and of the `rejected` has its message's place. `ignored` counts by name.
    """

    raws: Sequence[bytes | None]
    records: Sequence[int] | None = None
    touches: Touches = NO_TOUCHES
    events: list[tuple[int, Event]] = field(default_factory=list)
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    placeholders: int = 0


class TouchRows(NamedTuple):
    """Touches one by one: the place, the message and the code of the kind of each."""

    at: list[int]
    messages: list[Message]
    kind: list[int]


def merged(some: Touches, more: TouchRows) -> Touches:
    """Touches in columns with those gathered one by one, in the order of their messages."""
    if not more.at:
        return some
    at = [*some.at, *more.at]
    order = sorted(range(len(at)), key=at.__getitem__)
    messages = more.messages
    time = np.concatenate((some.time, np.array([m.time for m in messages], np.int64)))
    return Touches(
        at=[at[i] for i in order],
        message_ids=_in_order(some.message_ids, [m.message_id for m in messages], order),
        time=time[order],
        user_ids=_in_order(some.user_ids, [m.user_id for m in messages], order),
        anonymous_ids=_in_order(some.anonymous_ids, [m.anonymous_id for m in messages], order),
        denied=_in_order(some.denied, [m.denied for m in messages], order),
        kind=_in_order(some.kind, more.kind, order),
        kinds=some.kinds,
    )


def joined(parts: Sequence[Touches], kinds: Sequence[Kind]) -> Touches:
    """Touches of parts of a batch, one after the other; their kinds are these."""
    if len(parts) == 1:
        return parts[0]._replace(kinds=kinds)
    return Touches(
        at=[at for part in parts for at in part.at],
        message_ids=_chained(part.message_ids for part in parts),
        time=np.concatenate([NO_TOUCHES.time, *(part.time for part in parts)]),
        user_ids=_chained(part.user_ids for part in parts),
        anonymous_ids=_chained(part.anonymous_ids for part in parts),
        denied=_chained(part.denied for part in parts),
        kind=_chained(part.kind for part in parts),
        kinds=kinds,
    )


T = TypeVar("T")


def _in_order(some: list[T], more: list[T], order: list[int]) -> list[T]:
    both = some + more
    return [both[i] for i in order]


def _chained(lists: Iterable[list[T]]) -> list[T]:
    return list(chain.from_iterable(lists))
