"""The decoder of plain touches and orders alone: the yardstick that the door's speed is measured against.

Bytes in; a value, None (an event name nobody counts) or a Rejected out.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import Meta, Raw, Struct
from numpy.typing import NDArray

from streams.core.parsing.decoding import END_OF_TIME, Rejected, attempt, currency_code, decoded, money, sized
from streams.core.parsing.limits import ID_BYTES, identifier

SOCIAL = "Social Interaction"
REFUNDED, CANCELLED = "Order Refunded", "Order Cancelled"
REVERSALS = frozenset((REFUNDED, CANCELLED))

Action = Literal[
    "view", "impression", "video_view", "like", "comment", "share", "save", "follow", "reply", "click", "visit", "scan",
    "unlike", "unfollow", "unsave", "unshare",
]  # fmt: skip
_NULL = Raw(b"null")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MILLISECOND = timedelta(milliseconds=1)


class CampaignContext(Struct, gc=False):
    id: str | None = None
    name: str | None = None
    source: str | None = None


class Preferences(Struct, gc=False):
    advertising: bool | None = None


class Consent(Struct, gc=False):
    category_preferences: Preferences | None = msgspec.field(default=None, name="categoryPreferences")


class Context(Struct, gc=False):
    campaign: CampaignContext | None = None
    consent: Consent | None = None


class Envelope(Struct, gc=False, rename="camel"):
    """What every `track` message carries; `timestamp` is aware, tokens may be null or empty."""

    type: Literal["track"]
    event: str
    message_id: Annotated[str, Meta(min_length=1, max_length=256)]
    timestamp: Annotated[datetime, Meta(tz=True)]
    user_id: str | None = None
    anonymous_id: str | None = None
    context: Context | None = None


class EngagementProperties(Struct, gc=False):
    action: Action
    network: Annotated[str, Meta(min_length=1, max_length=64)]
    coupon: str | None = None


class Engagement(Envelope, gc=False, rename="camel", kw_only=True):
    properties: EngagementProperties


class CheckoutProperties(Struct, gc=False):
    order_id: str | None = None
    revenue: Raw = _NULL
    total: Raw = _NULL
    value: Raw = _NULL
    currency: str | None = None
    coupon: str | None = None
    new_customer: bool | None = None


class CheckoutEnvelope(Envelope, gc=False, rename="camel", kw_only=True):
    properties: Raw = _NULL


class Checkout(NamedTuple):
    """A completion, or a reversal (`event` in REVERSALS). `amount` is in millionths, None when absent;
    `properties` are the raw JSON values by name."""

    envelope: Envelope
    time: int
    order_id: str
    amount: int | None
    currency: str
    coupon: str | None
    new_customer: bool | None
    properties: dict[str, Raw]


_envelope: Callable[[bytes], Envelope] = msgspec.json.Decoder(Envelope).decode
_engagement: Callable[[bytes], Engagement] = msgspec.json.Decoder(Engagement).decode
_checkout: Callable[[bytes], CheckoutEnvelope] = msgspec.json.Decoder(CheckoutEnvelope).decode
_checkout_properties: Callable[[bytes | Raw], CheckoutProperties] = msgspec.json.Decoder(CheckoutProperties).decode
_object: Callable[[bytes | Raw], dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw]).decode

E = TypeVar("E", bound=Envelope)


def engagements(
    records: Sequence[bytes | None], keys: Sequence[bytes | None] = ()
) -> list[Engagement | Rejected | None]:
    """Decode one batch; None stands for an event that is not `Social Interaction`. Never raises: a record that our
    own code fails on is Rejected as `internal`."""
    keys = keys or [None] * len(records)
    try:
        events = [bounded(_engagement(sized(raw, key)), raw) for raw, key in zip(records, keys, strict=True)]  # type: ignore[arg-type]
        if {event.event for event in events} <= {SOCIAL}:
            return events  # type: ignore[return-value]
    except Exception:
        pass
    return list(map(partial(attempt, engagement), records, keys))


def engagement(raw: bytes | None, key: bytes | None = None) -> Engagement | None:
    """One engagement event, or None for another event name. Raises Rejected."""
    body = sized(raw, key)
    if decoded(_envelope, body).event != SOCIAL:
        return None
    return bounded(decoded(_engagement, body), body)


def checkouts(
    records: Sequence[bytes | None], counted: Collection[str], currency: str, keys: Sequence[bytes | None] = ()
) -> list[Checkout | Rejected | None]:
    """Decode one batch of checkout events; None stands for an event name no goal counts. Never raises."""
    pairs = zip(records, keys or [None] * len(records), strict=True)
    return [attempt(checkout, raw, counted, currency, key) for raw, key in pairs]


def checkout(raw: bytes | None, counted: Collection[str], currency: str, key: bytes | None = None) -> Checkout | None:
    """One checkout event with the base `currency` where it names none, or None where its name is not counted."""
    body = sized(raw, key)
    envelope = bounded(decoded(_checkout, body), body)
    if envelope.event not in counted and envelope.event not in REVERSALS:
        return None
    body = envelope.properties if bytes(envelope.properties) != b"null" else Raw(b"{}")
    fields = decoded(_checkout_properties, body)
    return Checkout(
        envelope=envelope,
        time=milliseconds(envelope.timestamp),
        order_id=identifier(fields.order_id) or envelope.message_id,
        amount=_amount(fields),
        currency=currency_code("properties.currency", fields.currency or currency),
        coupon=fields.coupon,
        new_customer=fields.new_customer,
        properties=decoded(_object, body),
    )


def bounded(event: E, raw: bytes) -> E:
    """The event that was read in `raw`, without ids that are too long to be any."""
    if len(raw) > ID_BYTES:
        event.user_id, event.anonymous_id = identifier(event.user_id), identifier(event.anonymous_id)
        campaign = event.context.campaign if event.context else None
        if campaign:
            campaign.id = identifier(campaign.id)
    return event


def _amount(fields: CheckoutProperties) -> int | None:
    for name in ("revenue", "total", "value"):
        text = bytes(getattr(fields, name)).strip()
        if text != b"null":
            return money(f"properties.{name}", text)
    return None


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since the epoch, UTC, rounded down. Raises Rejected where ClickHouse's DateTime ends."""
    time = (moment - _EPOCH) // _MILLISECOND
    if not 0 <= time < END_OF_TIME:
        raise beyond(moment)
    return time


def beyond(moment: datetime) -> Rejected:
    """Why an event at that moment is refused whatever the time is now."""
    return Rejected("malformed", f"`timestamp` {moment.isoformat()} lies outside 1970-01-01 to 2106-02-07")


def times(moments: Sequence[datetime]) -> NDArray[np.int64]:
    """The same for many moments at once, unchecked: exact to the millisecond between 1970 and 2106."""
    seconds = np.fromiter(map(datetime.timestamp, moments), np.float64, len(moments))
    return np.rint(seconds * 1e6).astype(np.int64) // 1000


def denied(envelope: Envelope) -> bool:
    """Whether the event says that advertising is not consented to."""
    consent = envelope.context.consent if envelope.context else None
    preferences = consent.category_preferences if consent else None
    return preferences is not None and preferences.advertising is False
