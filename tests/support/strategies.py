"""Hypothesis strategies: small streams of events that meet at the contract's edges.

Few users, orders, campaigns and message ids, so that events collide; times on a window's last millisecond and beyond
it, tied, or whole half-lives apart; message ids that look alike; reversals before their orders; what is no event.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from streams.core.catalogue.parse import parse

CATALOGUE_TEXT = """base_currency = "NOK"

[[goal]]
id = "orders"
event = "Order Completed"

[[goal]]
id = "new"
event = "Order Completed"
where = { new_customer = true, size = 1 }
value = 2.68
windows = { click = "14d", engage = "2h", view = "1s" }

[[goal]]
id = "now"
event = "Order Completed"
value = 0.000001
windows = { click = "1s", engage = "0s", view = "60m" }

[[goal]]
id = "visits"
event = "Visit Booked"
value = 0

[[campaign]]
id = "Autumn"
name = "Autumn on Facebook"
means = "social"
aliases = ["autumn-2026", "høst"]
coupons = ["HOST10"]

[[campaign]]
id = "paper"
name = "Same name"
coupons = ["P"]

[[campaign]]
id = "search"
name = "Same name"
"""
CATALOGUE = parse(CATALOGUE_TEXT)

Stream = list[tuple[str, bytes]]
NOON = 1_793_534_400_000  # 2026-11-01T12:00:00Z
WINDOWS = (0, 1_000, 3_600_000, 7_200_000, 86_400_000, 604_800_000, 1_209_600_000)
ORDER_TIMES = (0, 0, 1, 59_999, 60_000, 86_400_000)
TOUCH_TIMES = tuple(edge - window for window in WINDOWS for edge in (-1, 0, 1, 60_000))
WEEKS = tuple(-604_800_000 * n for n in range(4))

# Alike by prefix, by length, by case, or as the bytes that one of the others stands for.
MESSAGE_IDS = (
    *("a", "b", "B", "o1", "0", "00", "æ", "ae\u0301", "é", "\u0000", "\U0001f30a"),
    *("a" * 15, "a" * 16, "a" * 17, "a" * 16 + "b", "a" * 256, "a" * 255 + "b", "é" * 8, "é" * 9),
    "61616161-6161-6161-6161-616161616161",
    "61616161-6161-6161-6161-616161616162",
    "F7B1A2C3-0000-4000-8000-00000000000A",
    "f7b1a2c3-0000-4000-8000-00000000000a",
    "f7b1a2c3000040008000-00000000000a----",
)
AMOUNTS = (
    *("0", "0.000001", "0.0000005", "0.0000015", "1", "3.33", "3.33", "9.99", '"9.99"', "1e2", "1e2", "100.000000"),
    *("333.333333", "250.00"),
)
# As much as a Decimal(18, 6) holds: time decay of these needs more than 64 bits to be exact.
GIANT_AMOUNTS = ("999999999999.999999", "123456789012.345678", "1e11")

_TOKENS = (
    {"userId": "u"},
    {"userId": "u", "anonymousId": "x"},
    {"userId": "u", "anonymousId": "u"},
    {"anonymousId": "u"},
    {"anonymousId": "x"},
    {"userId": None, "anonymousId": "y"},
    {"userId": "", "anonymousId": "v"},
)
# Now and then two tokens are one person's, or one is two people's; a user id may be linked on, even to the first again.
_LINKS = (("x", "u"), ("x", "u"), ("y", "u"), ("y", "u"), ("x", "v"), ("v", "w"), ("u", "x"), ("w", "w"))
_NO_TOKEN: tuple[dict[str, Any], ...] = ({}, {"userId": None}, {"userId": "", "anonymousId": None})
_CAMPAIGNS: tuple[dict[str, Any] | None, ...] = (
    *({"id": "autumn", "source": "Facebook"}, {"id": "HØST"}, {"name": "AUTUMN on facebook"}, {"id": "paper"}),
    *({"id": "", "name": "search"}, {"name": "Same name"}, {"id": "Unlisted", "name": "paper"}, {"id": "unlisted"}),
    *({"source": "x"}, {"id": None}, {}, None),
)
_CONSENTS = (
    None,
    {},
    {"categoryPreferences": None},
    *({"categoryPreferences": {"advertising": c}} for c in (True, None)),
)
_DENIED = {"categoryPreferences": {"advertising": False, "functional": True}}
_ACTIONS = (
    *("click", "click", "visit", "scan", "like", "comment", "share", "save", "follow", "reply", "video_view"),
    *("view", "view", "impression", "impression", "unlike", "unfollow", "unsave", "unshare"),
)
_GOOD = b'{"type":"track","event":"Order Completed","messageId":"a","timestamp":"2026-11-01T12:00:00Z"'
_NO_LINKS = (
    *(b"null", b'{"type":"identify"}', b'{"type":"alias","messageId":"a","timestamp":"2026-11-01T12:00:00Z"}'),
    b'{"type":"identify","messageId":"a","timestamp":"2026-11-01T12:00:00Z","userId":"u","anonymousId":""}',
    b'{"type":"alias","messageId":"a","timestamp":"2026-11-01T12:00:00","userId":"u","previousId":"x"}',
    b'{"type":"track","messageId":"a","timestamp":"2026-11-01T12:00:00Z","userId":"u","anonymousId":"x"}',
)
NO_EVENTS = (
    *(b"", b"null", b"[]", b"{", b"\xff\xfe", b'"track"', b" " * 65_537, _GOOD, _GOOD + b',"properties":[]}'),
    _GOOD + b',"properties":{"revenue":NaN}}',
    _GOOD + b',"properties":{"revenue":-0.01}}',
    _GOOD + b',"properties":{"revenue":"1,50"}}',
    _GOOD + b',"properties":{"revenue":1e999}}',
    _GOOD + b',"properties":{"currency":"kroner"}}',
    _GOOD + b',"properties":{"new_customer":"yes"}}',
    _GOOD + b',"context":{"consent":{"categoryPreferences":{"advertising":"no"}}}}',
    _GOOD.replace(b'"a"', b'""') + b"}",
    _GOOD.replace(b'"a"', b'"' + b"a" * 257 + b'"') + b"}",
    _GOOD.replace(b"Z", b"") + b"}",
    _GOOD.replace(b"2026-11-01", b"2026-02-30") + b"}",
    _GOOD.replace(b"Order Completed", b"Social Interaction") + b',"properties":{"action":"dance","network":"x"}}',
    _GOOD.replace(b"Order Completed", b"Social Interaction") + b',"properties":{"action":"like","network":""}}',
)


def streams(
    max_size: int = 30, *, conflicts: bool = False, amounts: Sequence[str] = AMOUNTS
) -> st.SearchStrategy[Stream]:
    """Records (topic, value) in the order of arrival; for the goals of CATALOGUE.

    Unless `conflicts`, events of one topic with the same message id are the same event, byte for byte: only then
    is the result independent of the order of arrival. `amounts` are JSON texts of numbers or strings.
    """
    bought = checkouts(amounts)
    event = st.one_of(engagements(), engagements(), engagements(), bought, bought, bought, identities(), no_events())
    # A list without a least size is short on average: too short for a journey, its order and its refunds.
    events = st.lists(event, max_size=max_size) | st.lists(event, min_size=max_size // 2, max_size=max_size)
    return events if conflicts else events.map(_without_conflicts)


def _without_conflicts(stream: Stream) -> Stream:
    first: dict[tuple[str, str | bytes], bytes] = {}
    return [(topic, first.setdefault((topic, _message_id(value)), value)) for topic, value in stream]


def _message_id(value: bytes) -> str | bytes:
    """The id, or the whole of what is no event."""
    match = re.match(rb'\{"type": "[a-z]*", (?:"event": "[^"]*", )?"messageId": ("[^"]*")', value)
    return str(json.loads(match[1])) if match else value


def no_events() -> st.SearchStrategy[tuple[str, bytes]]:
    """Records that are dead letters on either topic."""
    return st.tuples(st.sampled_from(("engagement", "checkout")), st.sampled_from(NO_EVENTS))


@st.composite
def identities(draw: st.DrawFn) -> tuple[str, bytes]:
    """One identity message, now and then one that cannot be used."""
    if draw(_rarely()):
        return "identity", draw(st.sampled_from(_NO_LINKS))
    kind, name = draw(st.sampled_from((("identify", "anonymousId"), ("alias", "previousId"))))
    before, user = draw(st.sampled_from(_LINKS))
    time = NOON + draw(st.integers(-1_209_600_000, 60_000))
    message = {"type": kind, "messageId": draw(st.sampled_from(MESSAGE_IDS)), "timestamp": _rfc3339(time, 2)}
    return "identity", json.dumps(message | {name: before, "userId": user}).encode()


@st.composite
def engagements(draw: st.DrawFn) -> tuple[str, bytes]:
    """One engagement event, now and then one whose name is not counted."""
    name = draw(_mostly("Social Interaction", "Page Viewed"))
    properties = {"action": draw(st.sampled_from(_ACTIONS)), "network": draw(_mostly("Facebook", "x", "É" * 64))}
    if draw(_rarely()):
        properties["coupon"] = draw(st.sampled_from(("HOST10", "host10", "?")))
    times = st.sampled_from(TOUCH_TIMES) | st.sampled_from(WEEKS) | st.integers(-1_209_600_000, 60_000)
    return "engagement", draw(_messages(name, times, properties))


@st.composite
def checkouts(draw: st.DrawFn, amounts: Sequence[str] = AMOUNTS) -> tuple[str, bytes]:
    """One completion, reversal, or checkout event that is not counted."""
    completed = ("Order Completed",) * 4
    name = draw(
        st.sampled_from((*completed, "Visit Booked", "Order Refunded", "Order Refunded", "Order Cancelled", "Cart"))
    )
    optional = {
        "order_id": st.sampled_from(("o1", "o1", "o1", "o2", "a", "", None)),
        "revenue": st.sampled_from(amounts).map(_written),
        "total": st.sampled_from(amounts).map(_written) | st.none(),
        "value": st.sampled_from(amounts).map(_written),
        "currency": st.sampled_from(("EUR", "EUR", "NOK", "nok", "", None)),
        "coupon": st.sampled_from(("HOST10", "host10", "P", "?", "", None)),
        "new_customer": st.sampled_from((True, True, False, None)),
        "size": st.sampled_from((1, 1, 1.0, 2, True, "1", None)),
    }
    likely = {"order_id", "revenue", "new_customer", "size"}
    given = {key: draw(values) for key, values in optional.items() if draw(_mostly(True, False)) is (key in likely)}
    return "checkout", draw(_messages(name, st.sampled_from(ORDER_TIMES), given))


@st.composite
def _messages(draw: st.DrawFn, name: str, offsets: st.SearchStrategy[int], properties: dict[str, Any]) -> bytes:
    message = {
        "type": "track",
        "event": name,
        "messageId": draw(st.sampled_from(MESSAGE_IDS)),
        "timestamp": _rfc3339(NOON + draw(offsets), draw(st.integers(0, 3))),
        **draw(st.sampled_from(_NO_TOKEN if draw(_rarely()) else _TOKENS)),
        "context": {
            "campaign": draw(st.sampled_from(_CAMPAIGNS)),
            "consent": _DENIED if draw(_rarely()) else draw(st.sampled_from(_CONSENTS)),
        },
        "properties": properties,
    }
    text = json.dumps(message, ensure_ascii=draw(st.booleans()))
    return re.sub(r'"@(.*?)@"', lambda match: match[1].replace("\\", ""), text).encode()


def _written(amount: str) -> str:
    """A JSON text that survives json.dumps, to be written as it is."""
    return f"@{amount}@"


def _mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((usual,) * 6 + others)


def _rarely() -> st.SearchStrategy[bool]:
    return _mostly(False, True)


def _rfc3339(time: int, style: int) -> str:
    """One moment in several zones and precisions; what is below a millisecond does not count."""
    east = (0, 0, 60, -570)[style]
    local = str(np.datetime64(time + east * 60_000, "ms"))
    zone = "Z" if not east else f"{'+' if east > 0 else '-'}{abs(east) // 60:02d}:{abs(east) % 60:02d}"
    return f"{local}{('', '999', '', '000')[style]}{zone}"
