"""Conversions as they were last stated, one for each order and goal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from streams.core.attribution.models import Journeys
from streams.core.columns.arrays import I64
from streams.core.journeys.kinds import CLICK, TouchKinds
from streams.core.orders.value import REVERSED

WITHDRAWN = "withdrawn"
_SOME = 10_000  # statements that are looked at at once
_EDITION_BITS = 21  # a time takes 42 bits, and one is for the contested
_LATEST = (1 << 42) - 1  # ms
_REPORTED = frozenset({"first", "updated", "cause", "edition"})
TOUCH = np.dtype([("time", "<i8"), ("kind", "<u4")])


class Conversion(Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """One conversion of one goal as reported. Times in ms, amounts in millionths.

    `touches` is an array of TOUCH, `reason` is '' where there are any. `status` is that of its order's
    worth, or WITHDRAWN where a later completion of the order no longer counts for the goal. `newest` is that of
    its order: as long as the order is known, so must be what was last stated of it. `cause` is why it takes the place
    of another, '' where it is the first.
    """

    goal: str
    order_id: str
    time: int
    user: int
    customer: str
    currency: str
    reason: str
    value: int
    remaining: int
    status: str
    touches: bytes
    newest: int
    first: int
    updated: int
    cause: str = ""
    contested: bool = False  # another partition has a completion too, later by time or, in one moment, by its id
    edition: int = 1  # how often this partition has stated it
    known: bool = True  # whether the order had a usable amount

    @property
    def version(self) -> int:
        """The version of the statement's row: larger than of all that was said of a later completion, here or in
        any partition."""
        edition = min(self.edition, (1 << _EDITION_BITS) - 1)
        return (_LATEST - self.time) << _EDITION_BITS + 1 | self.contested << _EDITION_BITS | edition

    @property
    def key(self) -> tuple[str, str]:
        return self.goal, self.order_id

    @property
    def counted(self) -> int:
        """1 while anything remains of it, else 0."""
        return int(self.status not in (REVERSED, WITHDRAWN))

    @property
    def touch_count(self) -> int:
        return len(self.touches) // TOUCH.itemsize

    @property
    def attributed(self) -> bool:
        """Whether touches have credit for it."""
        return bool(self.touches) and self.status != WITHDRAWN

    @property
    def kinds(self) -> NDArray[np.uint32]:
        """The kind of each touch."""
        return np.frombuffer(self.touches, TOUCH)["kind"]

    def anonymised(self) -> "Conversion":
        """The statement with its figures, of nobody."""
        return structs.replace(self, user=0)

    def same_as(self, other: "Conversion | None") -> bool:
        """Whether both give the same figures."""
        return other is not None and self.comparable() == other.comparable()

    def comparable(self) -> tuple[object, ...]:
        """Everything in the statement but when, why and how often it was reported."""
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name not in _REPORTED)


class Changed(NamedTuple):
    """How many conversions were stated for the first time, and how many were taken back or a part of them, by goal."""

    conversions: Counter[str]
    reversals: Counter[str]


def changed(pairs: Iterable[tuple[Conversion, Conversion | None]]) -> Changed:
    """What those statements say, each with the one it takes the place of."""
    conversions, reversals = Counter[str](), Counter[str]()
    for now, before in pairs:
        taken_back = now.value - now.remaining, before.value - before.remaining if before else 0
        conversions[now.goal] += before is None
        reversals[now.goal] += taken_back[0] > taken_back[1] or bool(before and before.counted > now.counted)
    return Changed(conversions, reversals)


def used_in(statements: Iterable[Conversion]) -> I64:
    """The codes of the kinds of their touches, each once."""
    rest, used = iter(statements), np.zeros(0, np.int64)
    while some := list(islice(rest, _SOME)):
        touches = np.frombuffer(b"".join(statement.touches for statement in some), TOUCH)
        used = np.union1d(used, touches["kind"].astype(np.int64))
    return used


class Paths(NamedTuple):
    """Statements with touches as columns: per statement `starts` (n + 1) and `journeys`; per touch `time`, `kind`."""

    time: I64
    kind: NDArray[np.uint32]
    journeys: Journeys


def paths(statements: Sequence[Conversion], kinds: TouchKinds) -> Paths:
    """The touches of those statements, each of which has at least one."""
    touches = np.frombuffer(b"".join(s.touches for s in statements), TOUCH)
    time, kind = touches["time"].astype(np.int64), touches["kind"].astype(np.uint32)
    lengths = np.fromiter((s.touch_count for s in statements), np.int64, len(statements))
    until = np.fromiter((s.time for s in statements), np.int64, len(statements))
    starts = np.concatenate(([0], np.cumsum(lengths)))
    journeys = Journeys(
        starts, np.repeat(until, lengths) - time, kinds.class_of[kind] == CLICK, kinds.campaign_of[kind]
    )
    return Paths(time, kind, journeys)


def column(statements: Sequence[Conversion], name: str) -> I64:
    """A field of conversions that is an integer, as an array."""
    return np.fromiter((getattr(s, name) for s in statements), np.int64, len(statements))
