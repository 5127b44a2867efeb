"""Hypothesis strategies: small streams of what sites, shops and service desks send.

Few users, orders, campaigns and message ids, so that events collide; page calls with UTM, click ids and referrers, the
spec's touch events, orders with their lives, consent that changes, links; each field now and then as people really
write it; batches, and the same message in several topics.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from tests.support.site.site_words import (
    ACTIONS,
    AMOUNTS,
    CAMPAIGNS,
    CONSENTS,
    DIRTY,
    IGNORED,
    LATER,
    LINKS,
    MESSAGE_IDS,
    NO_IDS,
    NO_MESSAGES,
    NOBODY,
    NOON,
    ORDER_TIMES,
    PATHS,
    QUERIES,
    REFERRERS,
    SMALL,
    SPEC,
    TOKENS,
    TOPICS,
    TOUCH_TIMES,
    WEEKS,
    WRITTEN,
)

Stream = list[tuple[str, bytes]]


class Call(NamedTuple):
    """A message before it is put on a topic. Calls of one `identity` are one message, whatever else they say."""

    identity: tuple[Any, ...]
    text: bytes
    fits_a_batch: bool = True


def site_streams(max_size: int = 30, *, conflicts: bool = False) -> st.SearchStrategy[Stream]:
    """Records (topic, value) in the order of arrival, for the CATALOGUE and SOURCES of site_words.py.

    Unless `conflicts`, what the contract takes to be one message is the same, byte for byte: only then is the result
    independent of the order of arrival.
    """
    single = st.one_of(pages(), pages(), *(touches() for _ in range(4)), orders(), links(), consent_words(), others())
    call = st.one_of(single.map(lambda one: [one]), single.map(lambda one: [one]), lives())
    # A list without a least size is short on average: too short for a journey, its order and its refunds.
    drawn = st.lists(call, max_size=max_size) | st.lists(call, min_size=max_size // 2, max_size=max_size)
    flat = drawn.map(lambda lists: [call for calls in lists for call in calls])
    return flat.map(lambda calls: calls if conflicts else _without_conflicts(calls)).flatmap(records)


def _without_conflicts(calls: Sequence[Call]) -> list[Call]:
    first: dict[tuple[Any, ...], Call] = {}
    return [first.setdefault(call.identity, call) for call in calls]


@st.composite
def records(draw: st.DrawFn, calls: Sequence[Call]) -> Stream:
    """The calls on topics: alone, again in another, or several in a batch."""
    found: Stream = []
    waiting: list[bytes] = []
    for call in calls:
        way = draw(_mostly("alone", "twice", "batch", "batch")) if call.fits_a_batch else "alone"
        if way == "batch":
            waiting.append(call.text)
        if way == "twice":
            found.append((draw(st.sampled_from(TOPICS)), call.text))
        if way != "batch":
            found.append((draw(st.sampled_from(TOPICS)), call.text))
        full = draw(st.booleans())
        if waiting and full:
            found.append((draw(st.sampled_from(TOPICS)), _batch(waiting)))
            waiting = []
    return [*found, ("events", _batch(waiting))] if waiting else found


def _batch(texts: Sequence[bytes]) -> bytes:
    return b'{"batch": [' + b", ".join(texts) + b'], "sentAt": "2026-11-03T00:00:00Z", "writeKey": "k"}'


@st.composite
def pages(draw: st.DrawFn) -> Call:
    """A `page` or `screen` call, with and without a word of where the visitor came from."""
    times = st.sampled_from(TOUCH_TIMES) | st.sampled_from(WEEKS) | st.integers(-1_209_600_000, 60_000)
    message = {"type": draw(_mostly("page", "screen")), **_envelope(draw, times)}
    page = _page(draw)
    message["context"] |= {"page": page} if draw(st.booleans()) else {}
    message["properties"] = page if draw(_mostly(True, False)) else []
    return _call(message, "touch", _who(message))


@st.composite
def touches(draw: st.DrawFn) -> Call:
    """A social interaction, a touch of the spec's, or one that `sources.toml` names."""
    times = st.sampled_from(TOUCH_TIMES) | st.sampled_from(WEEKS) | st.integers(-1_209_600_000, 60_000)
    name = draw(st.sampled_from(("Social Interaction",) * 4 + ("social_interaction", "Newsletter clicked") + SPEC))
    properties: dict[str, Any] = {}
    if name.casefold().startswith("social"):
        properties["action"] = draw(st.sampled_from(ACTIONS))
        properties["network"] = draw(_mostly("Facebook", "x", "É" * 70, "fb", "shop", "https://x"))
    words = {"promotion_id": ("banner", "H\u00d8ST", 7, ""), "campaign_name": ("paper", "none"), "coupon": ("P", "?")}
    properties |= {key: draw(st.sampled_from(ways)) for key, ways in words.items() if draw(_rarely())}
    message = {"type": "track", "event": name, **_envelope(draw, times), "properties": properties}
    message["context"] |= {"page": _page(draw)} if draw(_rarely()) else {}
    return _call(message, "touch", _who(message))


@st.composite
def lives(draw: st.DrawFn) -> list[Call]:
    """An order and what became of it, in any order."""
    key, currency = draw(st.sampled_from(("o1", "o2", 7))), draw(_mostly(None, "EUR"))
    names = draw(st.lists(st.sampled_from(LATER), max_size=3))
    order = draw(st.permutations(["Order Completed", *names]))
    return [draw(_order(name, key, draw(_mostly(currency, "NOK", "SEK")))) for name in order]


@st.composite
def orders(draw: st.DrawFn) -> Call:
    """One statement of any order: completed, updated, cancelled, refunded."""
    key = draw(st.sampled_from(("o1", "o1", " o1 ", "o2", "7", "a", "", None)))
    name = draw(st.sampled_from(("order_completed", "Order Completed", "Lead Sent", *LATER)))
    return draw(_order(name, key, draw(st.sampled_from(("EUR", "nok", "", None, "kroner")))))


@st.composite
def _order(draw: st.DrawFn, name: str, key: Any, currency: Any) -> Call:
    usual = ("new_customer", "size", *(("revenue",) if name in ("Order Completed", "Lead Sent") else ()))
    given = {field: draw(ways) for field, ways in _PROPERTIES.items() if draw(_mostly(True, False)) is (field in usual)}
    if name in ("Order Refunded", "Order Updated"):
        fields = draw(st.lists(st.sampled_from(("total", "revenue", "value", "refunded_total", "note")), max_size=2))
        given |= {field: draw(_amounts() | _amounts(SMALL)) for field in fields or draw(_mostly(["revenue"], []))}
    given |= {"order_id": key, "currency": currency} | ({"invoice_id": f"i{key}".replace(" ", "")} if key else {})
    message = {"type": "track", "event": name, **_envelope(draw, st.sampled_from(ORDER_TIMES)), "properties": given}
    if draw(_mostly(True, False)):
        del message["context"]["campaign"]  # most checkouts know nothing of where people came from
    number = "" if name == "Lead Sent" else str(key or "").strip() or str(message["messageId"])
    return _call(message, name.replace("_", " ").casefold(), number)


@st.composite
def links(draw: st.DrawFn) -> Call:
    """`identify` or `alias`, now and then with one id."""
    kind, name = draw(st.sampled_from((("identify", "anonymousId"), ("alias", "previousId"))))
    before, user = draw(st.sampled_from(LINKS))
    envelope = _envelope(draw, st.integers(-1_209_600_000, 60_000))
    for key in ("userId", "anonymousId"):
        envelope.pop(key, None)
    ids = {"userId": user} if draw(_rarely()) else {name: before, "userId": user}
    return _call({"type": kind, **envelope, **ids}, "link", str(user))


@st.composite
def consent_words(draw: st.DrawFn) -> Call:
    """What somebody says of advertising from then on."""
    name = draw(st.sampled_from(("Segment Consent Preference Updated", "consent_updated")))
    envelope = _envelope(draw, st.sampled_from((*TOUCH_TIMES, *ORDER_TIMES)))
    envelope["context"] |= draw(st.sampled_from(CONSENTS[5:]))
    message = {"type": "track", "event": name, **envelope}
    return _call(message, "consent", _who(message))


@st.composite
def others(draw: st.DrawFn) -> Call:
    """A legal message that is not for us, or what is no message."""
    if draw(st.booleans()):
        text = draw(st.sampled_from(NO_MESSAGES))
        return Call((text,), text, text.endswith(b"}") and b"00Z" in text and b"NaN" not in text)
    kind = draw(_mostly("track", "group"))
    message = {"type": kind, "event": draw(st.sampled_from(IGNORED)), **_envelope(draw, st.just(0))}
    return _call(message, "ignored", message["event"])


def _page(draw: st.DrawFn) -> dict[str, Any]:
    path, query = draw(st.sampled_from(PATHS)), draw(st.sampled_from(QUERIES))
    page = {"url": f"https://shop.example{path}{query}", "referrer": draw(st.sampled_from(REFERRERS)), "path": path}
    return page if draw(_mostly(True, False)) else {"search": query, "referrer": page["referrer"]}


def _envelope(draw: st.DrawFn, offsets: st.SearchStrategy[int]) -> dict[str, Any]:
    message = {
        "messageId": draw(st.sampled_from(NO_IDS if draw(_rarely()) else MESSAGE_IDS)),
        **_time(draw, NOON + draw(offsets)),
        **draw(st.sampled_from(NOBODY if draw(_rarely()) else TOKENS)),
    }
    context = {"campaign": draw(st.sampled_from(CAMPAIGNS)), **draw(st.sampled_from(CONSENTS))}
    return message | {"context": context}


def _time(draw: st.DrawFn, time: int) -> dict[str, Any]:
    """One moment as SDKs, shops and tills write it."""
    style = draw(_mostly(0, 1, 2, 3, 4, 5, 6))
    if style < 4:
        return {"timestamp": rfc3339(time, style)}
    if style == 4:
        return {"timestamp": time}
    if style == 5:
        return {"timestamp": str(time)}
    return {"timestamp": "yesterday", "originalTimestamp": rfc3339(time, 0), "sentAt": rfc3339(time + 5, 0)}


def rfc3339(time: int, style: int) -> str:
    """One moment in several zones and precisions; what is below a millisecond does not count."""
    east = (0, 0, 60, -570)[style]
    local = str(np.datetime64(time + east * 60_000, "ms"))
    zone = (
        "Z" if not east else f"{'+' if east > 0 else '-'}{abs(east) // 60:02d}{':' * (style > 2)}{abs(east) % 60:02d}"
    )
    return f"{local.replace('T', 'T '[style == 1])}{('', '999', '', '000')[style]}{zone}"


def _amounts(texts: tuple[str, ...] = AMOUNTS) -> st.SearchStrategy[str]:
    """JSON texts that survive json.dumps, to be written as they are: mostly those, now and then odd ones."""
    return st.sampled_from((*texts * 3, *WRITTEN, *DIRTY)).map(lambda amount: f"@{amount}@")


def _call(message: dict[str, Any], *identity: Any) -> Call:
    """`identity` is the kind and whose it is, of orders the event and the order's key. Without a usable messageId a
    message is its own text."""
    text = re.sub(r'"@(.*?)@"', lambda match: match[1].replace('\\"', '"'), json.dumps(message, ensure_ascii=False))
    given = message["messageId"]
    usable = isinstance(given, int) or (isinstance(given, str) and given not in NO_IDS)
    return Call((*identity, str(given) if usable else text), text.encode())


def _who(message: dict[str, Any]) -> str:
    """The token that a message is of."""
    given = (message.get(key) for key in ("userId", "anonymousId"))
    ids = (text.strip() for text in given if isinstance(text, str))
    return next((text for text in ids if text and text not in ("undefined", "Gjest", "[object Object]")), "")


def _mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((usual,) * 6 + others)


def _rarely() -> st.SearchStrategy[bool]:
    return _mostly(False, True)


_PROPERTIES: dict[str, st.SearchStrategy[Any]] = {
    "revenue": _amounts(),
    "total": _amounts() | st.none(),
    "value": _amounts(),
    "coupon": st.sampled_from(("HOST10", "frifrakt, host10", ["P"], "p%C3%A5ske+10", "OWN,P", "?", "", None, {})),
    "discount_codes": st.sampled_from(([{"code": "P"}], [], None)),
    "products": st.sampled_from(([{"price": 2, "quantity": 3, "coupon": "P"}], [{"price": 2}], [], {}, None)),
    "new_customer": st.sampled_from((True, True, "yes", 1, False, "0", "perhaps", None)),
    "size": st.sampled_from((1, 1, 1.0, 2, True, "1", None)),
    "affiliation": st.sampled_from(("north", "south", "north")),
    "url": st.sampled_from(tuple(f"https://shop.example/done{query}" for query in QUERIES)),
}
