"""The file of users: a line `name:hash[:role]` each, the hash being bcrypt's, as `maalstrom page-user` or `htpasswd -B`
write it. It is read again when it changes, so that who is taken out is out at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from streams.page.access.viewers import LEADER, ROLES

COST = 12  # of hashes that are made here: 2 ** 12 rounds, a quarter of a second
LEAST_COST, MOST_COST = 10, 16
NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
log = structlog.get_logger(__name__)


class UsersError(ValueError):
    """The file of users cannot be used; the text says where and what to do, and shows no hash."""


@dataclass(frozen=True, slots=True)
class User:
    """A line of the file."""

    name: str
    hash: str
    role: str

    @property
    def cost(self) -> int:
        """The logarithm of bcrypt's rounds."""
        return int(self.hash.split("$")[2])


def parse(text: str, source: str) -> dict[str, User]:
    """The users by name. Raises UsersError."""
    users: dict[str, User] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            user = _user(line.strip(), f"{source}:{number}")
            if user.name in users:
                raise UsersError(f"{source}:{number}: {user.name} is there twice; take one of the lines out")
            users[user.name] = user
    if len(costs := {user.cost for user in users.values()}) > 1:
        # How long an answer takes would tell which names there are.
        raise UsersError(
            f"{source}: hashes have costs {', '.join(map(str, sorted(costs)))}; make all with one: maalstrom page-user"
        )
    return users


def _user(line: str, place: str) -> User:
    name, _, rest = line.partition(":")
    hashed, _, role = rest.partition(":")
    if not NAME.fullmatch(name):
        raise UsersError(
            f"{place}: a name has 1 to 64 letters, digits and . _ @ -; a line is name:hash or name:hash:role"
        )
    found = _HASH.fullmatch(hashed)
    if not found or not LEAST_COST <= int(found[1]) <= MOST_COST:
        raise UsersError(
            f"{place}: {name} has no bcrypt hash of cost {LEAST_COST} to {MOST_COST}; make a line: maalstrom page-user"
        )
    if role not in ("", *ROLES):
        raise UsersError(f"{place}: {name} has a role that there is not; write {' or '.join(ROLES)}")
    return User(name, hashed, role or LEADER)


class UsersFile:
    """The users in that file, as it is now. Raises UsersError at first; later what was read before goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self._users: Mapping[str, User] = self._read()

    def users(self) -> Mapping[str, User]:
        """By name."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._users = self._read()
            except UsersError as error:
                log.error("the file of users cannot be read again; those of before stay", error=str(error))
        return self._users

    def _stamp(self) -> tuple[int, ...]:
        try:
            seen = self._path.stat()
        except OSError:
            return ()
        return seen.st_mtime_ns, seen.st_size, seen.st_ino

    def _read(self) -> dict[str, User]:
        try:
            return parse(self._path.read_text("utf-8"), str(self._path))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsersError(
                f"MAALSTROM_PAGE_USERS: cannot read {self._path}: {reason}; give the path of a file that can be read"
            ) from None
