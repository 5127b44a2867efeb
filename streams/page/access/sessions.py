"""Sessions: a signed cookie that says who, until when, and with which password. Every worker with the same token key
takes it, and none keeps it; who is taken out of the file, or gets another password or role, has none any more."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.page.access.users import User

LASTS = 12 * 3600  # s
MOST_ENDED = 10_000


class Ended(NamedTuple):
    """A session that was ended: its number, and until when it would have lasted (s)."""

    number: str
    until: int


class Sessions:
    """Makes and reads cookies, with a key of its own made of the token key."""

    def __init__(self, token_key: bytes) -> None:
        self._key = hmac.digest(token_key, b"maalstrom page session", "sha256")
        self._ended: OrderedDict[str, None] = OrderedDict()

    def begin(self, user: User, now: float) -> str:
        """The value of a cookie for that user."""
        said = f"{user.name}|{int(now) + LASTS}|{secrets.token_hex(16)}|{self._line(user)}"
        return f"{base64.urlsafe_b64encode(said.encode()).decode().rstrip('=')}.{self._mac(said)}"

    def user(self, cookie: str, users: Mapping[str, User], now: float) -> User | None:
        """Whose session that is; None where it is nobody's (any more)."""
        said = self._said(cookie)
        if not said:
            return None
        name, until, number, line = said.split("|")
        user = users.get(name)
        if user is None or float(until) <= now or number in self._ended:
            return None
        return user if hmac.compare_digest(line, self._line(user)) else None

    def end(self, cookie: str) -> Ended | None:
        """Take that session no more here; what others are to be told of it, None where it is none."""
        if not (said := self._said(cookie)):
            return None
        _, until, number, _ = said.split("|")
        self.learn([number])
        return Ended(number, int(until))

    def learn(self, numbers: Iterable[str]) -> None:
        """Take the sessions of those numbers no more."""
        self._ended |= dict.fromkeys(numbers)
        while len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)

    def form(self, nonce: str) -> str:
        """What a form must bring with it that was shown to whom has that cookie."""
        return self._mac(f"form {nonce}")

    def _said(self, cookie: str) -> str:
        encoded, _, mac = cookie.partition(".")
        try:
            said = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        except ValueError:
            return ""
        return said if hmac.compare_digest(mac.encode(), self._mac(said).encode()) else ""

    def _line(self, user: User) -> str:
        return self._mac(f"line {user.name}:{user.hash}:{user.role}")[:32]

    def _mac(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256").hex()
