"""What every published SDK is told to do in these tests, and what the door has to make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from streams.core.catalogue.parse import parse
from streams.core.catalogue.readings import readings
from streams.core.door.canonical import CompletionEvent, Event, Ignored, Link, Message, Touch
from streams.core.door.sources_toml import Sources

CATALOGUE = """base_currency = "NOK"
[[goal]]
id = "new-customers"
event = "Order Completed"
where = { new_customer = true }
[[campaign]]
id = "autumn"
aliases = ["Høst 2026"]
[[link]]
code = "poster"
to = "https://shop.example/autumn"
campaign = "autumn"
network = "poster"
"""
CAMPAIGN = "Høst 2026"  # as its alias is written
READING = readings(parse(CATALOGUE), Sources())["events"]
_KINDS: tuple[Any, ...] = (Touch, Link, Ignored, CompletionEvent)


def check(events: Sequence[Event], sdk: str) -> None:
    """Hold events to the story of one SDK: a visit of the campaign, a log-in, a product, an order."""
    kinds = Counter(type(event).__name__ for event in events)
    assert kinds == {"Touch": 1, "Link": 1, "Ignored": 1, "CompletionEvent": 1}, events
    touch, link, ignored, order = (next(e for e in events if isinstance(e, kind)) for kind in _KINDS)
    assert (touch.action, touch.words.name, touch.words.network) == ("visit", "høst 2026", "facebook")
    assert (link.user, ignored) == (f"user-{sdk}", Ignored("Product Viewed"))
    assert link.anonymous == f"anonymous-{sdk}" or sdk.endswith("-browser")
    assert [touch.message.anonymous_id, order.message.anonymous_id] == 2 * [link.anonymous]
    assert order.message.user_id == link.user
    assert (order.ids, order.currency, order.new) == ({"order_id": f"order-{sdk}"}, "NOK", True)
    assert order.amounts.revenue == 349_000_000
    messages: list[Message] = [touch.message, link.message, order.message]
    assert all(message.own_id for message in messages)
