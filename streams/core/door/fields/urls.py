"""What addresses of pages say: parameters of their query, taken raw, and hosts."""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

LONGEST = 8192  # characters of an address that are looked at
CLICK_IDS = (
    ("fbclid", "facebook"), ("igshid", "instagram"), ("ttclid", "tiktok"), ("twclid", "x"), ("li_fat_id", "linkedin"),
    ("sccid", "snapchat"), ("epik", "pinterest"), ("rdt_cid", "reddit"), ("gclid", "google"), ("gbraid", "google"),
    ("wbraid", "google"), ("dclid", "google"), ("msclkid", "bing"), ("mc_eid", "email"),
)  # fmt: skip
_CLICKS = dict(CLICK_IDS)
_UTM = ("utm_id", "utm_campaign", "utm_source", "utm_medium")
WANTED = frozenset({*_UTM, *_CLICKS})
_PARTS = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:]*)[^/?#]*", re.IGNORECASE)


class Query(NamedTuple):
    """What an address's query says of where its visitor came from, raw; `click` is the network of its click id."""

    id: str = ""
    name: str = ""
    source: str = ""
    medium: str = ""
    click: str = ""


NO_QUERY = Query()


def query(url: str, search: str) -> Query:
    """What the query of a page's address says, or where that has none `search`."""
    text = url.partition("#")[0].partition("?")[2] or search.lstrip("?").partition("#")[0]
    return _query(text[:LONGEST]) if "=" in text else NO_QUERY


@lru_cache(maxsize=1024)
def _query(text: str) -> Query:
    found = parameters(text)
    if not found:
        return NO_QUERY
    click = next((network for name, network in CLICK_IDS if name in found), "")
    id_, name, source, medium = (found.get(name, "") for name in _UTM)
    return Query(id_, name, source, medium, click)


def parameters(query: str, wanted: Collection[str] = WANTED) -> dict[str, str]:
    """The parameters of a query that are wanted: names in lower case, values raw; of repeated ones the first that
    is not empty."""
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name = name.lower()
        if name in wanted and value and name not in found:
            found[name] = value
    return found


def host(url: str) -> str:
    """The host of an address in lower case without its port, '' where it has none."""
    return _host(url) if len(url) <= 300 else _host(url[:LONGEST])


@lru_cache(maxsize=4096)
def _host(url: str) -> str:
    match = _PARTS.match(url.strip())
    return match[1].lower().rstrip(".") if match else ""


def path(url: str) -> str:
    """The path of an address, `/` where it has a host alone."""
    bare = url.strip()[:LONGEST].partition("#")[0].partition("?")[0]
    match = _PARTS.match(bare)
    return (bare[match.end() :] or "/") if match else bare
