"""The first-party id of who follows a link: the cookie in which the SDKs themselves keep an anonymous id."""

import re
from uuid import uuid4

from aiohttp import web

NAME = "ajs_anonymous_id"
_YEAR = 365 * 24 * 3600  # s
# SDKs of an older kind write it in quotes, as JSON.
_ID = re.compile(r'"?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"?', re.IGNORECASE)
_NOBODY = "00000000-0000-0000-0000-000000000000"


def known_id(request: web.Request) -> str:
    """The id that a request's cookie has, '' where it has none or anything but a UUID."""
    found = _ID.fullmatch(request.cookies.get(NAME, "").replace("%22", '"'))
    return "" if found is None or found[1] == _NOBODY else found[1]


def new_id() -> str:
    """An id for who has none yet."""
    return str(uuid4())


def keep(answer: web.Response, anonymous_id: str, domain: str) -> None:
    """Have the browser keep an id for a year, where scripts of the domain's pages can read it."""
    answer.set_cookie(NAME, anonymous_id, domain=domain or None, path="/", max_age=_YEAR, secure=True, samesite="Lax")
