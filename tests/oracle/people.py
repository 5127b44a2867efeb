"""Who is behind a token, and what they consented to, as all messages together say.

Chosen: a link leads one step, so that a user id that is linked on is somebody else's token; a checkout of a token of
more than 100 users is `ambiguous_identity`.
"""

from collections import defaultdict
from collections.abc import Iterable

from tests.oracle.door.meanings import Event

MOST_USERS = 100


class People:
    """Everybody, by all links."""

    def __init__(self, links: Iterable[tuple[str, str]]) -> None:
        self.users: dict[str, set[str]] = defaultdict(set)
        for anonymous, user in links:
            self.users[anonymous].add(user)

    def ambiguous(self, token: str) -> bool:
        """Whether it is of several users, and so of nobody."""
        return len(self.users.get(token, ())) > 1

    def canonical(self, token: str) -> str:
        """The one user id that it is linked to; itself where there is none, or more than one."""
        users = self.users.get(token, ())
        return next(iter(users)) if len(users) == 1 else token

    def perhaps(self, token: str) -> set[str]:
        """The users whose conversions an ambiguous token makes doubtful; nobody where there are too many."""
        users = self.users.get(token, set())
        return users if 1 < len(users) <= MOST_USERS else set()


class Consents:
    """What people said of advertising, in time."""

    def __init__(self, events: Iterable[Event], people: People) -> None:
        self._people = people
        self._words: dict[str, list[tuple[int, str, bool]]] = defaultdict(list)
        for event in events:
            if event.token:
                word = event.message.time, event.message.message_id, bool(event.message.denied)
                self._words[people.canonical(event.token)].append(word)

    def denied(self, event: Event) -> bool:
        """Whether it stands denied at its time: as it says itself, else as its person had last said."""
        if event.message.denied is not None:
            return event.message.denied
        words = self._words.get(self._people.canonical(event.token), [])
        said = [word for word in words if word[0] <= event.message.time]
        return max(said)[-1] if said else False
