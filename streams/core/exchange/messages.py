"""What partitions tell each other of single events: an event with its bytes as they came, and a message that waits."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from streams.core.door.canonical import (
    CompletionEvent,
    ConsentWord,
    Event,
    Ignored,
    Link,
    Rejected,
    Reversal,
    Touch,
    Update,
)
from streams.core.orders.order import Pending

VERSION = 1


class Carried(Struct, array_like=True, forbid_unknown_fields=True):
    """An event for another partition, in the field of its kind, and `raw`, what its dead letter keeps. An offer has the
    message that waits for its order beside; a claim has nothing else."""

    version: int
    raw: bytes = b""
    touch: Touch | None = None
    completion: CompletionEvent | None = None
    update: Update | None = None
    reversal: Reversal | None = None
    link: Link | None = None
    consent: ConsentWord | None = None
    pending: Pending | None = None

    @property
    def event(self) -> Event | None:
        """The event, whatever its kind; None of a claim."""
        return self.touch or self.completion or self.update or self.reversal or self.link or self.consent


_FIELD: dict[type, str] = {
    Touch: "touch", CompletionEvent: "completion", Update: "update", Reversal: "reversal", Link: "link",
    ConsentWord: "consent",
}  # fmt: skip
_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Carried] = msgspec.msgpack.Decoder(Carried).decode


def packed(event: Event | None, raw: bytes = b"", pending: Pending | None = None) -> bytes:
    """The bytes of an event, or of a message that waits, for another partition."""
    if event is None or isinstance(event, Ignored):
        return _encode(Carried(VERSION, raw, pending=pending))
    kind: dict[str, Any] = {_FIELD[type(event)]: event}
    return _encode(Carried(VERSION, raw, pending=pending, **kind))


def unpacked(value: bytes | None) -> Carried:
    """What `packed` was given. Raises Rejected where the record is none of ours, or of a newer version."""
    try:
        found = _decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Rejected("internal", "the record is nothing that a partition tells another") from None
    if found.version != VERSION:
        raise Rejected("internal", f"the record has version {found.version}; this program reads {VERSION}: update it")
    return found
