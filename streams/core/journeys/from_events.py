"""Touches as rows: from the columns that a batch was read into to rows of the index."""

from collections.abc import Collection, Mapping
from itertools import compress
from typing import Any

import numpy as np

from streams.core.catalogue.model import Catalogue
from streams.core.columns.arrays import I64, Mask
from streams.core.columns.message_ids import MessageIds
from streams.core.columns.run import KeyedRows
from streams.core.door.canonical import Message, Touch
from streams.core.door.plain import batch
from streams.core.events.campaigns import Campaigns
from streams.core.identity.tokens import Tokens
from streams.core.journeys.kinds import TouchKind, TouchKinds
from streams.core.journeys.unlisted import OTHER, Unlisted
from streams.core.parsing.units import DAY

_SPARSE = 1 << 16  # the largest number of a kind for which a table of all is kept
_SAID = {None: 0, False: 1, True: 2}  # whether a message denies consent
_CACHED = 100_000  # kinds remembered as they came; whoever makes up more of them only costs time


class TouchBuilder:
    """Turns touches in columns into rows with hashed tokens, coded kinds and message keys."""

    def __init__(
        self, catalogue: Catalogue, tokens: Tokens, kinds: TouchKinds, ids: MessageIds, unlisted: Unlisted | None = None
    ) -> None:
        self._tokens, self._kinds, self._ids = tokens, kinds, ids
        self._unlisted = unlisted or Unlisted(catalogue)
        self.use(catalogue)

    def use(self, catalogue: Catalogue) -> None:
        """Say by that catalogue, from now on, what a touch's campaign is when it comes."""
        self._campaigns = Campaigns(catalogue)
        self.forget()

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What the builder keeps, by sort: to be measured."""
        return {"kinds as written": self._coded}

    def forget(self) -> None:
        """Remember no kinds: the codes of some were given up."""
        self._coded: dict[tuple[batch.Kind, bool, int], int] = {}

    def rows(self, touches: batch.Touches) -> tuple[KeyedRows, Mask]:
        """One row a touch, the user 0 without a token or consent; which touches deny consent."""
        said = np.frombuffer(bytes(map(_SAID.__getitem__, touches.denied)), np.uint8)
        refused, time = said == _SAID[True], touches.time
        user = self._tokens.hashes([one or other for one, other in zip(*touches[3:5], strict=True)])
        keys = self._ids.keys(touches.message_ids, user)
        user = np.where(refused, np.uint64(0), user)
        code = np.array(touches.kind, np.int64) << 1 | (said == _SAID[False])
        place, first = _distinct(code, None if self._unlisted.arriving is not None else time // DAY)
        codes = np.zeros(len(first), np.uint32)
        there = np.flatnonzero(first < len(code))
        for i in there[
            np.argsort(first[there])
        ].tolist():  # as they arrived: of names that are too many the first count
            at = first[i]
            codes[i] = self._kind(touches.kinds[code[at] >> 1], bool(code[at] & 1), int(time[at]))
        return KeyedRows(user, time, codes[place], keys), refused

    def _kind(self, kind: batch.Kind, consented: bool, time: int) -> int:
        key = kind, consented, self._unlisted.day(time)
        code = self._coded.get(key)
        if code is None:
            if len(self._coded) >= _CACHED:
                self._coded.clear()
            campaign, words = self._unlisted.kept(kind.words, self._campaigns.of_touch(kind.words), time)
            code = self._kinds.code(TouchKind(campaign, words.network, kind.action, words, consented))
            if campaign != OTHER:
                self._coded[key] = code
        return code


def _distinct(code: I64, day: I64 | None) -> tuple[I64, I64]:
    """A number for each code (and day), and where each number comes first, beyond the end where it does not."""
    place = code
    if day is not None and len(day):
        place = (day - day.min()) * (code.max() + 1) + code
    if place.max(initial=0) > _SPARSE:
        place = np.unique(place, return_inverse=True)[1]
    first = np.full(int(place.max(initial=0)) + 1, len(place))
    first[place[::-1]] = np.arange(len(place) - 1, -1, -1)  # of several at one place the last stays
    return place, first


def columns_of(events: Mapping[int, Touch]) -> batch.Touches:
    """Touches as columns, by the places of their messages."""
    messages = [event.message for event in events.values()]
    kinds = [batch.Kind(event.action, event.words) for event in events.values()]
    return batch.Touches(
        at=list(events),
        message_ids=[message.message_id for message in messages],
        time=np.fromiter((message.time for message in messages), np.int64, len(events)),
        user_ids=[message.user_id for message in messages],
        anonymous_ids=[message.anonymous_id for message in messages],
        denied=[message.denied for message in messages],
        kind=list(range(len(events))),
        kinds=kinds,
    )


def selected(touches: batch.Touches, which: Mask) -> batch.Touches:
    """Some of the touches."""
    if which.all():
        return touches
    chosen = which.tolist()
    return batch.Touches(
        at=list(compress(touches.at, chosen)),
        message_ids=list(compress(touches.message_ids, chosen)),
        time=touches.time[which],
        user_ids=list(compress(touches.user_ids, chosen)),
        anonymous_ids=list(compress(touches.anonymous_ids, chosen)),
        denied=list(compress(touches.denied, chosen)),
        kind=list(compress(touches.kind, chosen)),
        kinds=touches.kinds,
    )


def touch_of(touches: batch.Touches, i: int) -> Touch:
    """One of the touches."""
    who = touches.user_ids[i], touches.anonymous_ids[i], touches.denied[i]
    kind = touches.kinds[touches.kind[i]]
    return Touch(Message(touches.message_ids[i], True, int(touches.time[i]), *who), kind.action, kind.words)
