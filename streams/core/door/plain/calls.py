"""Segment calls decoded strictly and at once, as most are written; what is written otherwise is read field by field."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from streams.core.door.touches import Action

NULL = Raw(b"null")


class CampaignContext(Struct, frozen=True, gc=False):
    id: str | None = None
    name: str | None = None
    source: str | None = None
    medium: str | None = None


class PageContext(Struct, gc=False):
    url: str | None = None
    referrer: str | None = None
    search: str | None = None
    path: str | None = None


class Context(Struct, gc=False, rename="camel"):
    campaign: CampaignContext | None = None
    page: PageContext | None = None
    consent: Raw = NULL
    consent_management: Raw = NULL


class Properties(Struct, gc=False):
    """What touches and orders read of a call's properties."""

    action: str | None = None
    network: str | None = None
    coupon: str | None = None
    url: str | None = None
    referrer: str | None = None
    search: str | None = None
    path: str | None = None
    coupons: Raw = NULL
    discount_codes: Raw = NULL
    products: Raw = NULL
    order_id: Raw = NULL
    revenue: Raw = NULL
    total: Raw = NULL
    refunded_total: Raw = NULL
    value: Raw = NULL
    currency: Raw = NULL
    new_customer: Raw = NULL
    affiliation: Raw = NULL


PlainId = Annotated[str, Meta(max_length=256)]


class Call(Struct, gc=False, rename="camel"):
    """A call, of which what is not declared is passed over."""

    type: str
    timestamp: str
    event: str | None = None
    message_id: PlainId = ""
    user_id: PlainId | None = None
    anonymous_id: PlainId | None = None
    context: Context | None = None
    properties: Properties | None = None


class SocialContext(Struct, gc=False, rename="camel"):
    campaign: CampaignContext | None = None
    page: None = None
    consent: Raw = NULL
    consent_management: Raw = NULL


class SocialProperties(Struct, gc=False):
    action: Action | None = None
    network: str | None = None
    coupon: str | None = None
    url: None = None
    coupons: None = None
    discount_codes: None = None
    products: None = None


class SocialCall(Struct, gc=False, rename="camel"):
    """A social interaction that says nothing of a page, and of coupons one at the most."""

    type: Literal["track"]
    timestamp: str
    event: Literal["Social Interaction"]
    message_id: PlainId = ""
    user_id: PlainId | None = None
    anonymous_id: PlainId | None = None
    context: SocialContext | None = None
    properties: SocialProperties | None = None


class _RawProperties(Struct, gc=False):
    properties: Raw = NULL


call: Callable[[bytes], Call] = msgspec.json.Decoder(Call).decode
social_call: Callable[[bytes], SocialCall] = msgspec.json.Decoder(SocialCall).decode
_raw: Callable[[bytes], _RawProperties] = msgspec.json.Decoder(_RawProperties).decode
_object: Callable[[Raw], dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw]).decode


def properties(value: bytes) -> dict[str, Raw]:
    """All properties of a call whose properties are an object, or none."""
    raw = _raw(value).properties
    return {} if raw is NULL or bytes(raw) == b"null" else _object(raw)
