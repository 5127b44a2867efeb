"""Messages checked as the worker will read them, and whether their sender may send them."""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Raw

from streams.collector.answers import ItemFault
from streams.collector.api.stamping import Arrival, Stamped, stamp
from streams.core.door.canonical import Event, Rejected, Reversal, Update
from streams.core.door.context import Reading
from streams.core.door.fields.json_fields import message_object
from streams.core.door.plain.batches import BatchReader
from streams.core.door.reader import NO_HEADERS, read

MOST = 32 << 10  # bytes of a message
FEW = 3  # messages, which take longer as a batch than one by one
_FIELD = re.compile(r"`([^`]*)`")
_FORBIDDEN = "this needs a server's write key; a browser's is public"
_Found = tuple[Sequence[tuple[int, Rejected]], Sequence[tuple[int, Event]]]
_OVERSIZED = f"more than {MOST} bytes"


class Checked:
    """What became of the messages of a request: those to record, and what is wrong with the others."""

    def __init__(self) -> None:
        self.good: list[Stamped] = []
        self.faults: list[ItemFault] = []
        self.status = 0  # that says what is wrong, where it is one and the same; else 400

    def refuse(self, index: int, field: str, error: str, status: int = 400) -> None:
        """Note what is wrong with the message at that place."""
        self.faults.append(ItemFault(index, field, error))
        self.status = status if self.status in (0, status) else 400


class Checker:
    """Checks messages of a topic, read as that topic is; `oldest` is how far back a browser may date events, ms."""

    def __init__(self, reading: Reading, oldest: int) -> None:
        self._reading, self._oldest = reading, oldest
        self._reader = BatchReader(reading)

    def check(self, raws: Sequence[bytes], sent: Arrival, server: bool, found: Checked, first: int = 0) -> None:
        """Check messages, the first of which is at place `first` of its request, and add what is found."""
        places: list[int] = []
        stamped: list[Stamped] = []
        for index, raw in enumerate(raws, first):
            if len(raw) > MOST:
                found.refuse(index, "", _OVERSIZED, 413)
                continue
            try:
                fields = message_object(raw)
            except Rejected as rejected:
                found.refuse(index, "", rejected.error)
                continue
            try:
                stamped.append(self._stamped(fields, sent, server))
                places.append(index)
            except Rejected as rejected:
                found.refuse(index, *told(rejected))
        faults = dict(self._faults(stamped, server))
        for at, (index, message) in enumerate(zip(places, stamped, strict=True)):
            if at in faults:
                found.refuse(index, *faults[at])
            else:
                found.good.append(message)

    def _stamped(self, fields: Mapping[str, Raw], sent: Arrival, server: bool) -> Stamped:
        message = stamp(fields, sent, self._reading)
        if not server and message.time < sent.received - self._oldest:
            raise Rejected(
                "malformed", "`timestamp` is longer ago than anything is counted; a server's key may send it"
            )
        return message

    def _faults(self, stamped: Sequence[Stamped], server: bool) -> Iterator[tuple[int, tuple[str, str, int]]]:
        """By place: the field, what is wrong with it, and the status for that."""
        values = [message.value for message in stamped]
        rejected, events = self._singly(values) if len(values) <= FEW else self._together(values)
        for at, why in rejected:
            yield at, (*told(why), 400)
        if server:
            return
        yield from ((at, ("event", _FORBIDDEN, 403)) for at, event in events if isinstance(event, Update | Reversal))
        yield from ((at, ("type", _FORBIDDEN, 403)) for at, message in enumerate(stamped) if message.type == "alias")

    def _together(self, values: Sequence[bytes]) -> _Found:
        batch = self._reader.read(values)
        return batch.rejected, batch.events

    def _singly(self, values: Sequence[bytes]) -> _Found:
        items = [(at, item) for at, value in enumerate(values) for item in read(value, NO_HEADERS, self._reading)]
        rejected = [(at, item.rejected) for at, item in items if item.rejected]
        return rejected, [(at, event) for at, item in items for event in item.events]


def told(rejected: Rejected) -> tuple[str, str]:
    """The field that is wrong, '' where it is the message, and what is wrong with it."""
    if rejected.reason == "internal":
        return "", "this message cannot be read"
    field = _FIELD.search(rejected.error)
    return field[1] if field else "", rejected.error
