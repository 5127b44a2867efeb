"""Who sent plain calls: ids that need no mending, and consent that was read before."""

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple, cast

import numpy as np
from msgspec import Raw

from streams.core.door.context import Reading
from streams.core.door.fields.consent import denied
from streams.core.door.fields.ids import NIL, PLACEHOLDERS
from streams.core.door.fields.json_fields import Fields, Notes
from streams.core.door.plain.calls import NULL, Call, Context, SocialCall, SocialContext

_MOST = 1 << 12  # ways of writing consent that are remembered
_LONGEST = 1024  # bytes of consent that are remembered
UNCLEAR = cast("bool", 2)  # stands beside True, False and None in a column
_UNREAD = cast("bool", 3)
_NO_CONTEXT = Context()


class Senders(NamedTuple):
    """Who sent calls, in columns. `denied` is as in Message, or UNCLEAR (of senders that are not plain)."""

    message_ids: list[str]
    user_ids: list[str]
    anonymous_ids: list[str]
    denied: list[bool | None]

    def person(self, i: int) -> tuple[str, str, bool | None]:
        """The user id, the anonymous id and the consent of the sender at that place."""
        return self.user_ids[i], self.anonymous_ids[i], self.denied[i]


class People:
    """Tells whether ids are plain, and reads consent; remembers how consent is written, never who gave it."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._nobody = PLACEHOLDERS | reading.placeholders
        self._lengths = frozenset(map(len, self._nobody - {NIL}))
        self._consents: dict[bytes, bool | None] = {b"null": None}

    def of(self, sent: Sequence[Call] | Sequence[SocialCall]) -> Senders:
        """Who sent calls."""
        return Senders(
            [call.message_id for call in sent],
            [call.user_id or "" for call in sent],
            [call.anonymous_id or "" for call in sent],
            self._denied([call.context or _NO_CONTEXT for call in sent]),
        )

    def are_plain(self, senders: Senders) -> bool:
        """Whether nothing of the senders has to be read field by field."""
        ids, users, anonymous, consents = senders
        texts = ids + users + anonymous
        joined = "".join(texts)
        return (
            UNCLEAR not in consents
            and "" not in ids
            and (_without_spaces(joined) or list(map(str.strip, texts)) == texts)
            and self._are_somebody(texts, joined)
        )

    def _are_somebody(self, ids: Sequence[str], joined: str) -> bool:
        """Whether no id is what programs write for nobody; folding the case of ASCII leaves lengths as they are."""
        if not joined.isascii() or NIL in joined:
            return self._nobody.isdisjoint(map(str.casefold, ids))
        if self._lengths.isdisjoint(map(len, ids)):
            return True
        return self._nobody.isdisjoint(text.lower() for text in ids if len(text) in self._lengths)

    def _denied(self, contexts: Sequence[Context | SocialContext]) -> list[bool | None]:
        """As Message.denied of each; UNCLEAR where consent has to be read field by field."""
        said = _texts([of.consent for of in contexts])
        managed = [of.consent_management for of in contexts]
        if managed.count(NULL) < len(managed):
            said = [s if m is NULL else b"%b\0%b" % (s, bytes(m)) for s, m in zip(said, managed, strict=True)]
        found = list(map(self._consents.get, said, repeat(_UNREAD)))
        if _UNREAD in found:
            found = [self._read(*pair) for pair in zip(contexts, said, strict=True)]
        return found

    def _read(self, context: Context | SocialContext, said: bytes) -> bool | None:
        known = self._consents.get(said, _UNREAD)
        if known is not _UNREAD:
            return known
        notes = Notes()
        fields: dict[str, Raw] = {"consent": context.consent, "consentManagement": context.consent_management}
        read = denied(Fields(fields, "context.", notes), self._reading)
        verdict = UNCLEAR if notes.faults else read
        if len(said) <= _LONGEST:
            if len(self._consents) >= _MOST:
                self._consents = {b"null": None}
            self._consents[said] = verdict
        return verdict


def _without_spaces(text: str) -> bool:
    """Whether a text, if it is all in ASCII, has neither spaces nor control characters."""
    if not text.isascii():
        return False
    return not text or int(np.frombuffer(text.encode(), np.uint8).min()) > ord(" ")


def _texts(fields: Sequence[Raw]) -> list[bytes]:
    """The bytes of fields."""
    texts = b"\0".join(fields).split(b"\0") if fields else []
    return texts if len(texts) == len(fields) else list(map(bytes, fields))
