"""Decode and validate events: bytes in; a value, None (an event name nobody counts) or a Rejected out."""

import re
import traceback
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import Meta, Raw, Struct
from numpy.typing import NDArray

from streams.core.money import micro

END_OF_TIME = 2**32 * 1000  # ms: a ClickHouse DateTime holds seconds in 32 bits
LIMIT = 64 * 1024  # bytes; more is `oversized`, decided before decoding
SOCIAL = "Social Interaction"
REFUNDED, CANCELLED = "Order Refunded", "Order Cancelled"
REVERSALS = frozenset((REFUNDED, CANCELLED))

Action = Literal[
    "view", "impression", "video_view", "like", "comment", "share", "save", "follow", "reply", "click", "visit", "scan",
    "unlike", "unfollow", "unsave", "unshare",
]  # fmt: skip
_NULL = Raw(b"null")
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MILLISECOND = timedelta(milliseconds=1)


class Rejected(Exception):  # noqa: N818 - the name says what became of the record
    """A record that becomes a dead letter: `reason` is the contract's word, `error` says what is wrong."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(f"{reason}: {error}")
        self.reason, self.error = reason, error


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

# RecursionError and UnicodeDecodeError are what msgspec lets through beside its own error.
_UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
T = TypeVar("T")


def decoded(decode: Callable[[Any], T], raw: bytes | Raw) -> T:
    """What `decode`, of msgspec, reads in `raw`. Raises Rejected where it cannot."""
    try:
        return decode(raw)
    except _UNDECODABLE as error:
        raise Rejected("malformed", str(error) or type(error).__name__) from None


def sized(raw: bytes | None) -> bytes:
    """The value of a record that is there and not too long. Raises Rejected for another."""
    if raw is None:
        raise Rejected("malformed", "the record has no value (a tombstone)")
    if len(raw) > LIMIT:
        raise Rejected("oversized", f"{len(raw)} bytes; at most {LIMIT} are taken")
    return raw


def engagements(records: Sequence[bytes | None]) -> list[Engagement | Rejected | None]:
    """Decode one batch; None stands for an event that is not `Social Interaction`. Never raises: a record that our
    own code fails on is Rejected as `internal`."""
    try:
        if max(map(len, records), default=0) <= LIMIT:  # type: ignore[arg-type]
            events = [_engagement(raw) for raw in records]  # type: ignore[arg-type]
            if {event.event for event in events} <= {SOCIAL}:
                return events  # type: ignore[return-value]
    except Exception:
        pass
    return [attempt(engagement, raw) for raw in records]


def attempt(decode: Callable[..., T], *arguments: Any) -> T | Rejected:
    """What `decode` returns, or the Rejected that it raised; anything else it raises is `internal`. Never raises."""
    try:
        return decode(*arguments)
    except Rejected as rejected:
        return rejected
    except Exception:
        return Rejected("internal", traceback.format_exc(limit=-3))


def engagement(raw: bytes | None) -> Engagement | None:
    """One engagement event, or None for another event name. Raises Rejected."""
    body = sized(raw)
    if decoded(_envelope, body).event != SOCIAL:
        return None
    return decoded(_engagement, body)


def checkouts(
    records: Sequence[bytes | None], counted: Collection[str], currency: str
) -> list[Checkout | Rejected | None]:
    """Decode one batch of checkout events; None stands for an event name no goal counts. Never raises."""
    return [attempt(checkout, raw, counted, currency) for raw in records]


def checkout(raw: bytes | None, counted: Collection[str], currency: str) -> Checkout | None:
    """One checkout event with the base `currency` where it names none, or None where its name is not counted."""
    envelope = decoded(_checkout, sized(raw))
    if envelope.event not in counted and envelope.event not in REVERSALS:
        return None
    body = envelope.properties if bytes(envelope.properties) != b"null" else Raw(b"{}")
    fields = decoded(_checkout_properties, body)
    return Checkout(
        envelope=envelope,
        time=milliseconds(envelope.timestamp),
        order_id=fields.order_id or envelope.message_id,
        amount=_amount(fields),
        currency=currency_code("properties.currency", fields.currency or currency),
        coupon=fields.coupon,
        new_customer=fields.new_customer,
        properties=decoded(_object, body),
    )


def currency_code(name: str, text: str) -> str:
    """An ISO 4217 code in upper case. Raises Rejected that names the field."""
    if not _CURRENCY.fullmatch(text):
        raise Rejected("malformed", f"`{name}` is {text[:20]!r}, not three letters as in ISO 4217")
    return text.upper()


def _amount(fields: CheckoutProperties) -> int | None:
    for name in ("revenue", "total", "value"):
        text = bytes(getattr(fields, name)).strip()
        if text != b"null":
            return money(f"properties.{name}", text)
    return None


def money(name: str, text: bytes) -> int:
    """Millionths of a JSON number or decimal string. Raises Rejected that names the field."""
    try:
        return micro(msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode())
    except (ValueError, *_UNDECODABLE) as error:
        raise Rejected("malformed", f"`{name}`: {error}") from None


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
