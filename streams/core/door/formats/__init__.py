"""Formats of messages other than Segment's: one module a format, each a pure function from a message to events."""

from collections.abc import Callable, Sequence

from streams.core.door.canonical import Event
from streams.core.door.context import Reading
from streams.core.door.fields.json_fields import Notes
from streams.core.door.formats import cloudevents, ga4, posthog, shopify, snowplow, stripe, woocommerce
from streams.core.door.recognise import CLOUDEVENTS, GA4, POSTHOG, SHOPIFY, SNOWPLOW, STRIPE, WOOCOMMERCE

Read = Callable[[bytes, Sequence[tuple[str, bytes]], Notes, Reading], tuple[Event, ...]]
FORMATS: dict[str, Read] = {
    CLOUDEVENTS: cloudevents.read,
    GA4: ga4.read,
    SNOWPLOW: snowplow.read,
    POSTHOG: posthog.read,
    SHOPIFY: shopify.read,
    WOOCOMMERCE: woocommerce.read,
    STRIPE: stripe.read,
}
WEBHOOKS = frozenset({SHOPIFY, WOOCOMMERCE, STRIPE})
