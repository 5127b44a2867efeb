"""Messages: what one record holds, and each message's envelope.

Chosen: `NaN` outside a text is no JSON; a message that is no batch and too long for one is `oversized`, whatever is
in it; ignored types need a time too; how a messageId is made is for the caller to say; consent without an advertising
category says nothing.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.oracle.door.amounts import Number
from tests.oracle.door.fields import Fields, flag, time
from tests.oracle.settings import KIB, Sources

TYPES = ("track", "page", "screen", "identify", "alias", "group")
OF_THE_TRANSPORT = ("sentAt", "receivedAt", "writeKey")
TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
_GAP = re.compile(r"[ \t\r\n]*")


class DeadLetter(Exception):  # noqa: N818 - the contract's word
    """The text is the contract's reason."""


@dataclass
class Message:
    """An envelope that is right. '' stands for an absent id; `denied` is its own consent, None where it says nothing.

    `previous` is the token before, of `alias`; `name` is the event as it was sent, of other types than `track` the
    type; `placeholders` is how many ids were nobody's.
    """

    topic: str
    type: str
    name: str
    message_id: str
    time: int
    user: str
    anonymous: str
    previous: str
    denied: bool | None
    placeholders: int
    fields: Fields

    @property
    def token(self) -> str:
        return self.user or self.anonymous

    @property
    def link(self) -> tuple[str, str] | None:
        """The token and the user that it links."""
        anonymous = self.previous if self.type == "alias" else self.anonymous
        return (anonymous, self.user) if anonymous and self.user and anonymous != self.user else None


def items(sources: Sources, topic: str, value: bytes | None) -> Iterator[tuple[str | DeadLetter, Any]]:
    """The text of each message of a record, and the `sentAt` of its batch; of one that is none, the reason."""
    try:
        if value is None:
            raise DeadLetter("malformed")
        small, large = len(value) <= sources.limit(topic), len(value) <= KIB * KIB and topic == "events"
        if not (small or large):
            raise DeadLetter("oversized")
        text, message = _parsed(value, "malformed" if small else "oversized")
        batch = message.get("batch") if isinstance(message, dict) and "type" not in message else None
        if not (small or isinstance(batch, list)):
            raise DeadLetter("oversized")
    except DeadLetter as reason:
        yield reason, None
        return
    if not isinstance(batch, list):
        yield text, None
        return
    for item in elements(text, members(text)["batch"][0]):
        yield (item if len(item.encode()) <= sources.limit(topic) else DeadLetter("oversized")), message.get("sentAt")


def _parsed(value: bytes, otherwise: str = "malformed") -> tuple[str, Any]:
    """A record's text without a byte-order mark, and what it says in JSON."""
    try:
        text = value.decode().removeprefix("\ufeff")
        return text, json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise DeadLetter(otherwise) from None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def members(text: str) -> dict[str, tuple[int, int]]:
    """Where the value of each key stands in the text of an object."""
    decoder, found = json.JSONDecoder(), {}
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = decoder.raw_decode(text, start)
        found[key] = start, end
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


def elements(text: str, start: int) -> Iterator[str]:
    """The text of each element of the array that begins at `start`."""
    at = _skip(text, start + 1)
    while text[at] != "]":
        _, end = json.JSONDecoder().raw_decode(text, at)
        yield text[at:end]
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    match = _GAP.match(text, at)
    assert match is not None
    return match.end()


def made_up(text: str) -> str:
    """The messageId of a message without one: a hash of what the client sent."""
    kept = {key: text[slice(*place)] for key, place in members(text).items() if key not in OF_THE_TRANSPORT}
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:32]


def read(sources: Sources, topic: str, text: str, sent_at: Any, made: Callable[[str], str] = made_up) -> Message:
    """The envelope of one message, `made` its messageId where it has none; raises DeadLetter."""
    _, message = _parsed(text.encode())
    fields = Fields(message if isinstance(message, dict) else {})
    if fields.value("type") not in TYPES:
        raise DeadLetter("malformed")
    kind = str(fields.value("type"))
    found = next((at for at in (fields.time(place) for place in TIMES) if at is not None), time(sent_at))
    name = _event(fields) if kind == "track" else kind
    if found is None or not name:
        raise DeadLetter("malformed")
    given = fields.text("messageId")
    if len(given) > 256:
        fields.faults.add("messageId")
    usable = given and len(given) <= 256 and not sources.is_nobody(given)
    ids = [fields.id(place) for place in ("userId", "anonymousId", "previousId")]
    user, anonymous, previous = ("" if sources.is_nobody(id_) else id_ for id_ in ids)
    placeholders = sum(sources.is_nobody(id_) for id_ in ids)
    message_id = given if usable else made(text)
    people = user, anonymous, previous, denied(fields, sources)
    return Message(topic, kind, name, message_id, found, *people, placeholders, fields)


def _event(fields: Fields) -> str:
    """An event's name is a text; a number is none."""
    return "" if isinstance(fields.value("event"), Number) else fields.text("event")


def denied(fields: Fields, sources: Sources) -> bool | None:
    """What a message says itself of consent to advertising; None where it says nothing."""
    said = []
    place = "context.consent.categoryPreferences"
    for category, allowed in fields.object(place).items():
        if category.casefold() in sources.advertising:
            if (known := flag(allowed)) is not None:
                said.append(not known)
            elif allowed not in (None, ""):
                fields.faults.add(place)
    for key, means in (("allowedConsentIds", False), ("deniedConsentIds", True)):
        ids = fields.value(f"context.consentManagement.{key}")
        if isinstance(ids, list):
            categories = [fields.as_text(id_, f"context.consentManagement.{key}").casefold() for id_ in ids]
            said += [means] * any(category in sources.advertising for category in categories)
        elif ids not in (None, ""):
            fields.faults.add(f"context.consentManagement.{key}")
    return any(said) if said else None
