"""The door against the naive oracle: what whole messages are, whatever stands in them."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.catalogue.parse import parse as catalogue_of
from streams.core.catalogue.readings import readings
from streams.core.door.canonical import CompletionEvent, ConsentWord, Event, Ignored, Link, Reversal, Touch, Update
from streams.core.door.reader import NO_HEADERS, read
from streams.core.door.sources_toml import parse
from tests.oracle.door.meanings import Event as Meant
from tests.oracle.door.meanings import Ignored as NotForUs
from tests.oracle.door.meanings import meaning
from tests.oracle.door.messages import DeadLetter, items
from tests.oracle.door.messages import read as read_message
from tests.oracle.settings import Catalogue, Sources
from tests.unit.core.door.plain.test_batches import messages
from tests.unit.core.door.said import NOON

CATALOGUE = """
base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
[[goal]]
id = "enquiries"
event = "enquiry_sent"
where = { plan = "club" }
"""
SOURCES = """
own_hosts = ["own.example", "l.instagram.com"]
placeholders = ["gjest"]
[touch]
"Newsletter Clicked" = { action = "click", network = "email" }
"""
READING = readings(catalogue_of(CATALOGUE), parse(SOURCES))["events"]
NAIVE = Catalogue(CATALOGUE), Sources(SOURCES)
KINDS = {
    Touch: "touch",
    CompletionEvent: "completion",
    Update: "update",
    Reversal: "reversal",
    Link: "link",
    ConsentWord: "consent",
}


def naive(raw: bytes) -> Any:
    """What the oracle says that a message is."""
    catalogue, sources = NAIVE
    ((text, sent_at),) = items(sources, "events", raw)
    try:
        assert isinstance(text, str)
        message = read_message(sources, "events", text, sent_at, lambda _: "made")
        return of_meaning(meaning(catalogue, sources, message))
    except DeadLetter as reason:
        return str(reason)
    except NotForUs:
        return "ignored"


def of_meaning(event: Meant) -> dict[str, Any]:
    message = event.message
    said: dict[str, Any] = {
        "kind": event.kind, "id": message.message_id, "time": message.time, "user": message.user,
        "anonymous": message.anonymous, "denied": message.denied,
    }  # fmt: skip
    if event.kind == "touch":
        pairs = [pair[:2] for pair in event.words.pairs if pair.id or pair.name][:1]
        coupons = () if pairs else tuple(event.words.coupons)
        said |= {"action": event.action, "network": event.network, "pairs": pairs, "coupons": coupons}
    elif event.kind == "completion":
        pairs = [pair[:2] for pair in event.words.pairs if pair.id or pair.name]
        said |= {"new": event.new_customer, "pairs": pairs, "coupons": tuple(event.words.coupons)}
        said["network"] = event.words.network_of(event.words.pairs, NAIVE[1].networks)
    elif event.kind == "link":
        said["link"] = message.link
    if event.kind in ("completion", "update", "reversal"):
        said |= {"order": event.ids["order_id"], "amounts": event.amounts}
    if event.kind == "reversal":
        said |= {"whole": event.whole, "so_far": event.so_far}
    if event.kind == "completion" or event.amounts:
        said["currency"] = event.currency
    return said


def of_event(event: Event) -> Any:
    if isinstance(event, Ignored):
        return "ignored"
    message = event.message
    said: dict[str, Any] = {
        "kind": KINDS[type(event)], "id": message.message_id if message.own_id else "made", "time": message.time,
        "user": message.user_id, "anonymous": message.anonymous_id, "denied": message.denied,
    }  # fmt: skip
    if isinstance(event, Touch | CompletionEvent):
        words = event.words
        pairs = [pair for pair in ((words.id, words.name), (words.next_id, words.next_name)) if any(pair)]
        said |= {
            "network": words.network or words.source or words.next_source,
            "pairs": pairs,
            "coupons": words.coupons,
        }
    if isinstance(event, Touch):
        said["action"] = event.action
    elif isinstance(event, Link):
        said["link"] = event.anonymous, event.user
    if isinstance(event, CompletionEvent | Update | Reversal):
        amounts = {k: v for k, v in zip(("revenue", "total", "value"), event.amounts[:3], strict=True) if v is not None}
        said |= {"order": event.ids.get("order_id") or said["id"], "amounts": amounts}
        if isinstance(event, CompletionEvent):
            said |= {"new": event.new, "currency": event.currency if event.own_currency else ""}
        elif amounts:
            said["currency"] = event.currency
    if isinstance(event, Reversal):
        said |= {"whole": event.whole, "so_far": event.refunded_total}
    return said


TIMES = st.sampled_from([NOON, "2026-11-02T12:00:00.123Z", 1793620800])
PLAIN = st.builds(lambda message, at: message | {"type": "track", "timestamp": at}, messages, TIMES)


@settings(max_examples=600, deadline=None)
@given(messages | PLAIN)
def test_a_message_is_what_the_oracle_says(message: Any) -> None:
    raw = json.dumps(message).encode()
    (item,) = read(raw, NO_HEADERS, READING)
    found = item.rejected.reason if item.rejected else of_event(item.events[0])
    assert found == naive(raw)
