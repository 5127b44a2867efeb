"""Canonical events: what a message means, whatever format it came in. Values alone; nothing here decides."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from streams.core.parsing.decoding import END_OF_TIME, Rejected

__all__ = [
    "END_OF_TIME", "Amounts", "CompletionEvent", "ConsentWord", "Event", "Fault", "Ignored", "Item", "Link", "Message",
    "Rejected", "Reversal", "Touch", "Update", "Words",
]  # fmt: skip


class Message(NamedTuple):
    """Who sent a message and when. `time` in ms since 1970, UTC; '' where there is no usable id.

    `own_id` is False where `message_id` was made of the message's bytes. `denied` is the message's own consent: True
    where an advertising category is denied, False where one is allowed, None where it says nothing.
    """

    message_id: str
    own_id: bool
    time: int
    user_id: str
    anonymous_id: str
    denied: bool | None

    @property
    def token(self) -> str:
        """The user token, '' where there is none."""
        return self.user_id or self.anonymous_id

    @property
    def routing_key(self) -> str:
        """What decides the partition that a message belongs to."""
        return self.user_id or self.anonymous_id or self.message_id


class Words(NamedTuple):
    """What the catalogue decides upon at the report: every word normalised, '' where absent.

    `id` and `name` are the first pair of campaign names, `next_id` and `next_name` the second (of completions alone:
    whose first may be internal, and is passed over then). `coupons` are in order, at most 8.
    Of a touch `network` is resolved, and `coupons`, `medium`, `host` (of the referrer) and `path` (of the landing
    page) are empty where it has a campaign name: nothing hangs on them then. Of a completion `network` is that of
    `properties.network` alone; `source` and `next_source` are the networks of the sources beside each pair.
    """

    id: str = ""
    name: str = ""
    next_id: str = ""
    next_name: str = ""
    coupons: tuple[str, ...] = ()
    source: str = ""
    medium: str = ""
    network: str = ""
    host: str = ""
    path: str = ""
    next_source: str = ""


class Amounts(NamedTuple):
    """Amounts in millionths of the currency, None where absent or left out.

    `unreadable`: some amount was there and could not be read. Of orders they are 0 or more, of refunds absolute.
    """

    revenue: int | None = None
    total: int | None = None
    value: int | None = None
    unreadable: bool = False


class Touch(NamedTuple):
    """A contact with a campaign or a network; `action` is one of `actions.ACTIONS`."""

    message: Message
    action: str
    words: Words


class CompletionEvent(NamedTuple):
    """A message that completes a conversion. `event` is normalised; `ids` has the order's key by those `id_field`s of
    goals that it carries (without the scope); `currency` is the base currency where the message has none.

    `new` is what the message says of `new_customer`, None where unknown. `properties` are the raw JSON values, by
    name, of the properties that some goal's `where` asks for (but `new_customer`, which is read as `new`).
    """

    message: Message
    event: str
    ids: Mapping[str, str]
    scope: str
    amounts: Amounts
    currency: str
    own_currency: bool
    new: bool | None
    words: Words
    properties: Mapping[str, bytes]


class Update(NamedTuple):
    """What an order is now. `currency` is '' where the message has none."""

    message: Message
    ids: Mapping[str, str]
    scope: str
    amounts: Amounts
    currency: str


class Reversal(NamedTuple):
    """An order that is taken back, or a part of it. `currency` is '' where the message has none.

    `whole`: a cancellation, or a refund with neither an amount nor products. The sum of its products stands in
    `amounts.revenue` where the message has no amount; `refunded_total` is the sum refunded so far (millionths).
    """

    message: Message
    kind: Literal["cancel", "refund"]
    ids: Mapping[str, str]
    scope: str
    whole: bool
    amounts: Amounts
    currency: str
    refunded_total: int | None = None


class Link(NamedTuple):
    """`identify` or `alias`: two tokens that differ, of one person."""

    message: Message
    anonymous: str
    user: str


class ConsentWord(NamedTuple):
    """What holds for the message's user token from its time on."""

    message: Message
    denied: bool


class Ignored(NamedTuple):
    """A legal message that is not for us: the event's name as sent (at most 64 characters), or the message's type.

    `read_as` is the type of call that a format's event without a source or a link is, '' where its name says it."""

    name: str
    read_as: str = ""


Event = Touch | CompletionEvent | Update | Reversal | Link | ConsentWord | Ignored


class Fault(NamedTuple):
    """A field that was left out: its place, such as `properties.revenue`, and the JSON type found there."""

    place: str
    type: str


class Item(NamedTuple):
    """What became of one message: events, or the reason why it is a dead letter.

    `raw` is what its dead letter keeps: the record's value, or of a batch the item's own bytes. A message may be
    several events (a shop's order states itself whole). `placeholders` is how many of its ids were nobody.
    """

    raw: bytes
    events: tuple[Event, ...] = ()
    rejected: Rejected | None = None
    faults: tuple[Fault, ...] = ()
    placeholders: int = 0
