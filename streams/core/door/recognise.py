"""Which format a message is of, told by its fields: so that one which was not expected is named."""

from collections.abc import Callable, Mapping

from msgspec import Raw

from streams.core.door.fields.json_fields import string
from streams.core.door.segment import TYPES

SEGMENT, CLOUDEVENTS, GA4, SNOWPLOW = "segment", "cloudevents", "ga4", "snowplow"
POSTHOG, SHOPIFY, WOOCOMMERCE, STRIPE = "posthog", "shopify", "woocommerce", "stripe"
FORMATS = (SEGMENT, CLOUDEVENTS, GA4, SNOWPLOW, POSTHOG, SHOPIFY, WOOCOMMERCE, STRIPE)
SNOWPLOW_FIELDS = 131  # of a line of an enriched event

_Object = Mapping[str, Raw]


def _text(fields: _Object, name: str) -> str:
    return string(bytes(fields[name])) or "" if name in fields else ""


def _has(*names: str) -> Callable[[_Object], bool]:
    return lambda fields: all(name in fields for name in names)


def _is_segment(fields: _Object) -> bool:
    called = _text(fields, "type") in TYPES
    return called or ("batch" in fields and bytes(fields["batch"]).startswith(b"[") and "type" not in fields)


def _is_shopify_order(fields: _Object) -> bool:
    return "id" in fields and ("financial_status" in fields or "landing_site" in fields)


def _is_shopify_refund(fields: _Object) -> bool:
    return "order_id" in fields and ("refund_line_items" in fields or "transactions" in fields)


def _is_woocommerce(fields: _Object) -> bool:
    return all(n in fields for n in ("id", "status", "date_created_gmt")) and (
        "billing" in fields or "meta_data" in fields
    )


def _is_stripe(fields: _Object) -> bool:
    return _text(fields, "object") == "event" and "data" in fields


# In this order: the more telling before the less. A format that cannot be read has no name to give the topic.
_KINDS: tuple[tuple[Callable[[_Object], bool], str, str], ...] = (
    (_is_segment, SEGMENT, "a Segment call"),
    (_has("specversion", "type", "source"), CLOUDEVENTS, "a CloudEvent"),
    (_is_stripe, STRIPE, "a Stripe event"),
    (_has("event_name", "event_timestamp"), GA4, "a row of Google Analytics 4"),
    (_has("collector_tstamp", "event_id"), SNOWPLOW, "an enriched event of Snowplow"),
    (_has("event", "distinct_id"), POSTHOG, "a PostHog event"),
    (_is_shopify_refund, SHOPIFY, "a Shopify refund"),
    (_is_shopify_order, SHOPIFY, "a Shopify order"),
    (_is_woocommerce, WOOCOMMERCE, "a WooCommerce order"),
    (_has("schema", "data"), "", "a self-describing JSON of Snowplow, not an enriched event"),
    (_has("eventn_ctx_event_id"), "", "an event of Jitsu's own format (Jitsu can send Segment's)"),
    (_has("event_name", "event_time"), "", "an event of Meta's Conversions API"),
    (_has("client_id", "events"), "", "a hit of Google's Measurement Protocol"),
    (_has("event_type", "user_properties"), "", "an Amplitude event"),
    (_has("e", "p", "tv"), "", "a raw hit of a Snowplow tracker, not an enriched event"),
)


def kind(fields: _Object) -> tuple[str, str]:
    """The format of a message and what it is called, '' where it is not known."""
    for fits, name, called in _KINDS:
        if fits(fields):
            return name, called
    return "", ""


def misplaced(fields: _Object, expected: str) -> str:
    """What to say of a message that is not of the expected format, '' where it is none that is known."""
    found, called = kind(fields)
    if not called or found == expected:
        return ""
    return f'this is {called}; give the topic format = "{found}"' if found else f"this is {called}, which is not read"


def is_snowplow_line(value: bytes) -> bool:
    """Whether a record is a tab-separated line of an enriched event."""
    return value.count(b"\t") == SNOWPLOW_FIELDS - 1 and not value.lstrip().startswith(b"{")
