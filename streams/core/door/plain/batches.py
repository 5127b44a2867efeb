"""Batches of records: what is written plainly is read at once, into columns; the rest record by record."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import I64
from streams.core.door.canonical import Message
from streams.core.door.context import Reading
from streams.core.door.fields.json_fields import UNREADABLE
from streams.core.door.plain import calls
from streams.core.door.plain.batch import DecodedBatch, Touches, joined
from streams.core.door.plain.calls import Call, SocialCall
from streams.core.door.plain.gathering import Gathering
from streams.core.door.plain.orders import Order, Orders
from streams.core.door.plain.people import People, Senders
from streams.core.door.plain.time_column import times
from streams.core.door.plain.touches import COMPLETION, NO_TOUCH, NOT_PLAIN, Kinds
from streams.core.door.plain.verdicts import Verdicts
from streams.core.door.reader import NO_HEADERS, Headers, read
from streams.core.door.recognise import SEGMENT
from streams.core.door.segment import ignored

Positions = NDArray[np.intp]
Values = Sequence[bytes | None]
Calls = Sequence[Call | None] | Sequence[SocialCall]
_REST = 16
_AT_ONCE = 1024  # records that are decoded together: what is decoded of more of them leaves the processor's caches


class BatchReader:
    """Reads batches of one topic; remembers what words mean, never who said them."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._kinds = Kinds(reading)
        self._verdicts = Verdicts(reading, self._kinds)
        self._people = People(reading)
        self._orders = Orders(reading, self._kinds)
        self._mixed = 0  # for how many more times social interactions are not asked for alone

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What the reader remembers, by sort: to be measured."""
        return self._kinds.held

    def read(self, values: Values, headers: Sequence[Headers] | None = None) -> DecodedBatch:
        """What a batch of records is; `headers` are those of each record, where any has some. Never raises."""
        self._kinds.forget_if_many()
        if headers is None and self._reading.format == SEGMENT:
            try:
                return self._plainly(values)
            except Exception:  # a defect of ours costs time, not data
                self._kinds.forget()
        return self._one_by_one(values, headers, range(len(values)), Gathering(values, self._kinds))

    def _one_by_one(
        self, values: Values, headers: Sequence[Headers] | None, places: Sequence[int], found: Gathering
    ) -> DecodedBatch:
        for at in places:
            found.add(at, read(values[at], headers[at] if headers else NO_HEADERS, self._reading))
        return found.batch()

    def _plainly(self, values: Values) -> DecodedBatch:
        """Read what is plain at once, some records after the others, and then the rest."""
        found = Gathering(values, self._kinds)
        others = [at for begin in range(0, len(values), _AT_ONCE) for at in self._some(found, values, begin)]
        found.touches = joined(found.plain, self._kinds.kinds)
        return self._one_by_one(values, None, others, found)

    def _some(self, found: Gathering, every: Values, begin: int) -> list[int]:
        """Read what is plain of the records from `begin` on; the places of the others."""
        values = every[begin : begin + _AT_ONCE]
        decoded, verdicts = self._judged(values)
        time = times([None if call is None else call.timestamp for call in decoded])
        verdicts[time < 0] = NOT_PLAIN
        at = np.flatnonzero((verdicts >= 0) | (verdicts <= COMPLETION))
        senders = self._people.of(_taken(decoded, at))
        if not self._people.are_plain(senders):
            at = self._less(at, decoded, verdicts)
            senders = self._people.of(_taken(decoded, at))
        found.ignored.update(_names(_taken(decoded, np.flatnonzero(verdicts == NO_TOUCH))))
        self._take(found, values, decoded, at, verdicts, time, senders, begin)
        return (np.flatnonzero(verdicts == NOT_PLAIN) + begin).tolist()

    def _judged(self, values: Values) -> tuple[Calls, I64]:
        """The calls that are written plainly, None for the others, and what they are."""
        sound = self._are_sound(values)
        if sound and (social := self._social(values)):
            return social, np.array(self._kinds.socials(social), np.int64)
        decoded = self._decoded(values, sound)
        return decoded, np.array(self._verdicts.of(decoded), np.int64)

    def _are_sound(self, values: Values) -> bool:
        """Whether all values are there, not too long, and in UTF-8."""
        try:
            return max(map(len, values), default=0) <= self._reading.limit and bool(  # type: ignore[arg-type]
                all(map(bytes.isascii, values)) or b"\n".join(values).decode()  # type: ignore[arg-type]
            )
        except (TypeError, *UNREADABLE):
            return False

    def _social(self, values: Values) -> Sequence[SocialCall]:
        """The calls where all are social interactions; none where one is not, and for some batches after that."""
        self._mixed -= 1
        if self._mixed < 0 and self._verdicts.social_is_touch:
            try:
                return list(map(calls.social_call, values))  # type: ignore[arg-type]
            except UNREADABLE:
                self._mixed = _REST
        return ()

    def _decoded(self, values: Values, sound: bool) -> Sequence[Call | None]:
        """The calls that are written plainly, None for the others."""
        try:
            if sound:
                return list(map(calls.call, values))  # type: ignore[arg-type]
        except UNREADABLE:
            pass
        return list(map(self._one, values))

    def _one(self, value: bytes | None) -> Call | None:
        if value is None or len(value) > self._reading.limit:
            return None
        try:
            return calls.call(value) if value.isascii() or value.decode() else None
        except UNREADABLE:
            return None

    def _less(self, at: Positions, decoded: Calls, verdicts: I64) -> Positions:
        """The places of those whose ids and consent are plain; the others are set apart."""
        plain = [self._people.are_plain(self._people.of([call])) for call in _taken(decoded, at)]
        verdicts[at[~np.array(plain)]] = NOT_PLAIN
        return at[plain]

    def _take(
        self, found: Gathering, values: Values, decoded: Calls, at: Positions, verdicts: I64, time: I64,
        senders: Senders, begin: int,
    ) -> None:  # fmt: skip
        """Take the touches into columns, and the completions one by one."""
        touched = verdicts[at] >= 0
        if touched.all():
            found.plain.append(self._touches(at, verdicts, time, senders, begin))
            return
        found.plain.append(self._touches(at[touched], verdicts, time, _chosen(senders, touched.tolist()), begin))
        bought = _chosen(senders, (~touched).tolist())
        for i, place in enumerate(at[~touched].tolist()):
            message = Message(bought.message_ids[i], True, int(time[place]), *bought.person(i))
            order = self._order(int(verdicts[place]), message, decoded[place], values[place])
            if order is None:
                verdicts[place] = NOT_PLAIN
            else:
                found.events.append((begin + place, order))

    def _order(
        self, verdict: int, message: Message, call: Call | SocialCall | None, value: bytes | None
    ) -> Order | None:
        return (
            self._orders.read(verdict, message, call, value) if isinstance(call, Call) and value is not None else None
        )

    def _touches(self, at: Positions, verdicts: I64, time: I64, senders: Senders, begin: int) -> Touches:
        return Touches(
            (at + begin).tolist(), senders.message_ids, time[at], senders.user_ids, senders.anonymous_ids,
            senders.denied, verdicts[at].tolist(), self._kinds.kinds,
        )  # fmt: skip


def _taken(decoded: Calls, at: Positions) -> Sequence[Call]:
    """The calls at those places."""
    return decoded if len(at) == len(decoded) else [decoded[i] for i in at.tolist()]  # type: ignore[return-value]


def _chosen(senders: Senders, chosen: Sequence[bool]) -> Senders:
    ids, users, anonymous = (list(compress(column, chosen)) for column in senders[:3])
    return Senders(ids, users, anonymous, list(compress(senders.denied, chosen)))


def _names(passed_over: Iterable[Call]) -> Counter[str]:
    """How often each name is ignored."""
    written = Counter(call.event if call.type == "track" else call.type for call in passed_over)
    names: Counter[str] = Counter()
    for name, count in written.items():
        names[ignored(name or "").name] += count
    return names
