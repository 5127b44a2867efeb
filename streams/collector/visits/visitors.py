"""Who follows a link: people are counted; programs that fetch ahead, or say that they are programs, are not."""

import re
from functools import lru_cache

from aiohttp import web
from crawleruseragents import is_crawler

_AHEAD = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")  # how browsers say that nobody has asked yet
_NOBODY_YET = re.compile("prefetch|prerender|preview", re.IGNORECASE)
_LONGEST = 1024  # characters of a name that are looked at


def is_person(request: web.Request) -> bool:
    """Whether a request is somebody's, as far as it says itself."""
    if request.method != "GET" or any(map(_NOBODY_YET.search, _said(request))):
        return False
    return not _is_program(request.headers.get("User-Agent", "")[:_LONGEST])


def refuses_to_be_known(request: web.Request) -> bool:
    """Whether a request carries Global Privacy Control."""
    return request.headers.get("Sec-GPC", "").strip() == "1"


def _said(request: web.Request) -> list[str]:
    return [value for name in _AHEAD for value in request.headers.getall(name, [])]


@lru_cache(maxsize=1024)
def _is_program(agent: str) -> bool:
    return bool(is_crawler(agent))
