"""Passwords: hashed by bcrypt, off the event loop, and as slowly for a name that there is not."""

from __future__ import annotations

import asyncio

import bcrypt

from streams.page.access.users import COST, User

SHORTEST = 12  # characters
LONGEST = 72  # bytes: bcrypt looks at no more
MOST_WAITING = 16


class PasswordError(ValueError):
    """A password cannot be one; the text says why."""


class BusyError(Exception):
    """Too many passwords wait to be looked at."""


def hashed(password: str, cost: int = COST) -> str:
    """A new hash. Raises PasswordError."""
    raw = password.encode()
    if len(password) < SHORTEST:
        raise PasswordError(f"a password has at least {SHORTEST} characters; take three words or more")
    if len(raw) > LONGEST or b"\0" in raw:
        raise PasswordError(f"a password has at most {LONGEST} bytes, and none that is 0")
    return bcrypt.hashpw(raw, bcrypt.gensalt(cost)).decode()


class Passwords:
    """Looks at one password at a time, since each costs a core a quarter of a second."""

    def __init__(self) -> None:
        self._turn, self._waiting = asyncio.Lock(), 0
        self._nobody: dict[int, str] = {}

    async def right(self, user: User | None, cost: int, password: str) -> bool:
        """Whether it is that user's; of nobody, after as long, never. Raises BusyError."""
        if self._waiting >= MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._right, user, cost, password)
        finally:
            self._waiting -= 1

    def _right(self, user: User | None, cost: int, password: str) -> bool:
        wanted = user.hash if user else self._hash_of_nobody(cost)
        raw = password.encode("utf-8", "replace")
        same = bcrypt.checkpw(raw[:LONGEST].replace(b"\0", b"?"), wanted.encode())
        return same and user is not None and len(raw) <= LONGEST and b"\0" not in raw

    def _hash_of_nobody(self, cost: int) -> str:
        """Of no password: 22 characters of salt, and a digest that is none."""
        return self._nobody.setdefault(cost, bcrypt.gensalt(cost).decode() + "." * 31)
