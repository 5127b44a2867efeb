"""Statements: what was last reported of a conversion for a goal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from streams.core.codes import CLICK, Kinds
from streams.core.credit import Journeys
from streams.core.orders import REVERSED

I64 = NDArray[np.int64]
WITHDRAWN = "withdrawn"
_EDITION_BITS = 21  # a time takes 42 bits, and one is for the contested
_REPORTED = frozenset({"first", "updated", "cause", "edition"})
TOUCH = np.dtype([("time", "<i8"), ("kind", "<u4")])


class Statement(Struct, array_like=True, frozen=True, gc=False):
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
    contested: bool = False  # another partition has a completion too, earlier by time or, in one moment, by its id
    edition: int = 1  # how often this partition has stated it

    @property
    def version(self) -> int:
        """That of its row: larger than of all that was said of an earlier completion, here or in any partition."""
        edition = min(self.edition, (1 << _EDITION_BITS) - 1)
        return self.time << _EDITION_BITS + 1 | self.contested << _EDITION_BITS | edition

    @property
    def key(self) -> tuple[str, str]:
        return self.goal, self.order_id

    @property
    def counted(self) -> int:
        """1 while anything remains of it, else 0."""
        return int(self.status not in (REVERSED, WITHDRAWN))

    @property
    def kinds(self) -> NDArray[np.uint32]:
        """The kind of each touch."""
        return np.frombuffer(self.touches, TOUCH)["kind"]

    def of_nobody(self) -> "Statement":
        """The same figures, of nobody."""
        return structs.replace(self, user=0)

    def says_as(self, other: "Statement | None") -> bool:
        """Whether both give the same figures."""
        return other is not None and self.facts() == other.facts()

    def facts(self) -> tuple[object, ...]:
        """All of it but when, why and how often it was reported."""
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name not in _REPORTED)


class Changed(NamedTuple):
    """How many conversions were stated for the first time, and how many were taken back or a part of them, by goal."""

    conversions: Counter[str]
    reversals: Counter[str]


def changed(pairs: Iterable[tuple[Statement, Statement | None]]) -> Changed:
    """What those statements say, each with the one it takes the place of."""
    conversions, reversals = Counter[str](), Counter[str]()
    for now, before in pairs:
        taken_back = now.value - now.remaining, before.value - before.remaining if before else 0
        conversions[now.goal] += before is None
        reversals[now.goal] += taken_back[0] > taken_back[1] or bool(before and before.counted > now.counted)
    return Changed(conversions, reversals)


class Paths(NamedTuple):
    """Statements with touches as columns: per statement `starts` (n + 1) and `journeys`; per touch `time`, `kind`."""

    time: I64
    kind: NDArray[np.uint32]
    journeys: Journeys


def paths(statements: Sequence[Statement], kinds: Kinds) -> Paths:
    """The touches of those statements, each of which has at least one."""
    touches = np.frombuffer(b"".join(s.touches for s in statements), TOUCH)
    time, kind = touches["time"].astype(np.int64), touches["kind"].astype(np.uint32)
    lengths = np.fromiter((len(s.touches) // TOUCH.itemsize for s in statements), np.int64, len(statements))
    until = np.fromiter((s.time for s in statements), np.int64, len(statements))
    starts = np.concatenate(([0], np.cumsum(lengths)))
    journeys = Journeys(
        starts, np.repeat(until, lengths) - time, kinds.class_of[kind] == CLICK, kinds.campaign_of[kind]
    )
    return Paths(time, kind, journeys)
