"""Identity messages: bytes in; the two tokens that they link, or a Rejected, out (contract 6)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from streams.core.events import Rejected, attempt, decoded, milliseconds, sized

IDENTITY = "identity"

_Token = Annotated[str, Meta(min_length=1)]


class _Message(Struct, gc=False, tag_field="type", rename="camel", kw_only=True):
    message_id: Annotated[str, Meta(min_length=1, max_length=256)]
    timestamp: Annotated[datetime, Meta(tz=True)]
    user_id: _Token


class _Identify(_Message, tag="identify", gc=False, rename="camel", kw_only=True):
    anonymous_id: _Token


class _Alias(_Message, tag="alias", gc=False, rename="camel", kw_only=True):
    previous_id: _Token


class Identification(NamedTuple):
    """An anonymous token and the user id that it is linked to; `time` in ms."""

    message_id: str
    time: int
    anonymous: str
    user: str


_decode: Callable[[bytes], _Identify | _Alias] = msgspec.json.Decoder(_Identify | _Alias).decode


def identifications(records: Sequence[bytes | None]) -> list[Identification | Rejected]:
    """Decode one batch of identity messages. Never raises."""
    return [attempt(identification, raw) for raw in records]


def identification(raw: bytes | None) -> Identification:
    """One identity message. Raises Rejected."""
    message = decoded(_decode, sized(raw))
    anonymous = message.anonymous_id if isinstance(message, _Identify) else message.previous_id
    return Identification(message.message_id, milliseconds(message.timestamp), anonymous, message.user_id)
