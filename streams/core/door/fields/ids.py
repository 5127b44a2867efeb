"""Ids of people and messages: which of them are nobody, and how a message without an id gets one."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from msgspec import Raw

from streams.core.door.context import Reading
from streams.core.door.fields.json_fields import Fields
from streams.core.door.fields.names import normal

LONGEST_MESSAGE_ID = 256  # characters
NIL = "00000000-0000-0000-0000-000000000000"
PLACEHOLDERS = frozenset({
    "null", "undefined", "none", "nan", "nil", "anonymous", "guest", "unknown", "test", "n/a", "(none)", "(not set)",
    "not set", "not_set", "[object object]", "0", "-1", NIL,
})  # fmt: skip
NO_SOURCE = frozenset({"(none)", "(direct)", "(organic)", "(referral)"})
_OF_THE_TRANSPORT = frozenset({"sentAt", "receivedAt", "writeKey"})


def is_placeholder(text: str, reading: Reading) -> bool:
    """Whether an id is what programs write for nobody, in any case."""
    folded = text.strip().casefold()
    return folded in PLACEHOLDERS or folded in reading.placeholders


def person(message: Fields, name: str, reading: Reading) -> str:
    """A user or anonymous id, '' where it is absent or a placeholder (which is counted)."""
    found = message.id(name)
    if found and is_placeholder(found, reading):
        message.notes.placeholders += 1
        return ""
    return found


def word(text: str, reading: Reading) -> str:
    """The normal name of a campaign or source, '' where it is a placeholder or says that there is none."""
    name = normal(text)
    return "" if name in PLACEHOLDERS or name in NO_SOURCE or name in reading.placeholders else name


def message_id(message: Fields, reading: Reading) -> tuple[str, bool]:
    """The message's id and whether it is its own; one is made of its bytes where it has none that is usable."""
    found = message.id("messageId")
    if len(found) > LONGEST_MESSAGE_ID:
        message.fault("messageId")
    elif found and not is_placeholder(found, reading):
        return found, True
    return made_of(message.values), False


def made_of(fields: Mapping[str, Raw]) -> str:
    """A message id made of a message as its client sent it, whatever a transport added."""
    return made(part for name, raw in fields.items() if name not in _OF_THE_TRANSPORT for part in (name, bytes(raw)))


def made(parts: Iterable[str | bytes]) -> str:
    """A message id made of parts that name a message: equal for equal parts."""
    hashed = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hashed.update(len(raw).to_bytes(4, "big"))
        hashed.update(raw)
    return f"made-{hashed.hexdigest()}"
