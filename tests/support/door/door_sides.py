"""What one message is taken for, by the oracle and by the door, in one form to be compared."""

from collections.abc import Iterator
from typing import Any

from streams.core.door import reader
from streams.core.door.canonical import CompletionEvent, ConsentWord, Ignored, Item, Link, Reversal, Touch, Update
from streams.core.door.context import Reading
from tests.oracle.door import meanings, messages
from tests.oracle.settings import Catalogue, Sources

Said = tuple[Any, ...]
_AMOUNTS = ("revenue", "total", "value")


def by_the_oracle(catalogue: Catalogue, sources: Sources, topic: str, value: bytes) -> Iterator[Said]:
    """What the oracle takes each message of a record for."""
    for text, sent_at in messages.items(sources, topic, value):
        try:
            if isinstance(text, messages.DeadLetter):
                raise text
            message = messages.read(sources, topic, text, sent_at)
            yield _event(meanings.meaning(catalogue, sources, message))
        except messages.DeadLetter as reason:
            yield "dead letter", str(reason)
        except meanings.Ignored:
            yield "ignored", message.name[:64]


def _event(event: meanings.Event) -> Said:
    message = event.message
    sender = message.time, message.user, message.anonymous, message.denied, message.placeholders
    said = event.kind, *sender, sorted(message.fields.faults)
    order = event.scope, *(event.amounts.get(key) for key in _AMOUNTS)
    if event.kind == "link":
        return event.kind, message.time, event.link
    if event.kind == "touch":
        return *said, event.action, event.network
    if event.kind == "completion":
        return *said, *order, event.name, event.currency or "NOK", event.new_customer, list(event.words.coupons)
    if event.kind == "reversal":
        return *said, *order, event.currency, event.whole, event.so_far
    return (*said, *order, event.currency) if event.kind == "update" else said


def by_the_door(reading: Reading, value: bytes) -> Iterator[Said]:
    """What the product takes each message of a record for."""
    for item in reader.read(value, (), reading):
        if item.rejected:
            yield "dead letter", item.rejected.reason
        for event in item.events:
            yield _canonical(item, event)


def _canonical(item: Item, event: Any) -> Said:
    if isinstance(event, Ignored):
        return "ignored", event.name
    message = event.message
    sender = message.time, message.user_id, message.anonymous_id, message.denied, item.placeholders
    said = *sender, sorted({fault.place for fault in item.faults})
    if isinstance(event, Link):
        return "link", message.time, (event.anonymous, event.user)
    if isinstance(event, Touch):
        return "touch", *said, event.action, event.words.network
    if isinstance(event, ConsentWord):
        return "consent", *said
    order = event.scope, *event.amounts[:3]
    if isinstance(event, CompletionEvent):
        return "completion", *said, *order, event.event, event.currency, event.new, list(event.words.coupons)
    if isinstance(event, Reversal):
        return "reversal", *said, *order, event.currency, event.whole, event.refunded_total
    assert isinstance(event, Update)
    return "update", *said, *order, event.currency
