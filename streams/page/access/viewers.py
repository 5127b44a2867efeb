"""Whoever looks at the page, and which dashboards are theirs. Nobody can change anything here: roles only read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from streams.texts.choice import in_english

LEADER, OPERATOR = ROLES = ("leader", "operator")
FOR_LEADERS = frozenset({"maalstrom-overview", "maalstrom-goals"})


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks. `name` is empty where nobody is asked for one."""

    name: str = ""
    role: str = OPERATOR

    def sees(self, uid: str) -> bool:
        """Whether the dashboard of that uid is theirs."""
        return self.role == OPERATOR or in_english(uid) in FOR_LEADERS


VIEWER = web.RequestKey("viewer", Viewer)
Sight = Callable[[str], bool]


def sight(request: web.Request) -> Sight:
    """Which dashboards whoever asks may see; every one where nobody keeps the page."""
    viewer: Viewer = request.get(VIEWER, Viewer())
    return viewer.sees
