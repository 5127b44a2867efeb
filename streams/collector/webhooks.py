"""Webhooks of shops and payment services: verified by signature, and recorded as they came."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from aiohttp import web

from streams.collector.answers import RefusedError, success
from streams.collector.collector import Collector
from streams.collector.recorder import Outgoing
from streams.core.door.canonical import Ignored
from streams.core.door.context import Reading
from streams.core.door.fields.ids import made
from streams.core.door.orders import COMPLETED
from streams.core.door.reader import read
from streams.core.door.recognise import SHOPIFY, STRIPE, WOOCOMMERCE
from streams.core.parsing.limits import LARGEST
from streams.telemetry import collector_metrics as metrics

STRIPE_SECONDS = 300  # how old a time stamp of Stripe's may be
_PING = re.compile(rb"webhook_id=\d{1,20}")  # what WooCommerce asks, unsigned, when a webhook is made
_SHOPIFY_TOPICS = ("orders/", "refunds/")
Headers = Mapping[str, str]


def routes(collector: Collector) -> Iterable[web.AbstractRouteDef]:
    """POST /webhooks/{shopify,woocommerce,stripe}; without a secret, there is none."""
    return [web.post(f"/webhooks/{name}", Webhook(collector, name).answer) for name in collector.files.secrets]


class Webhook:
    """Answers the webhooks of one service."""

    def __init__(self, collector: Collector, name: str) -> None:
        self._collector, self._name = collector, name

    async def answer(self, request: web.Request) -> web.Response:
        """Take what is signed. Raises RefusedError."""
        async with self._collector.bodies.read(request, LARGEST, packed=False) as body:
            if self._name == WOOCOMMERCE and _PING.fullmatch(body):
                self._collector.limits.keyless.take(1)
                return success()
            if not self._signed(request, body):
                self._collector.limits.keyless.take(1)
                raise RefusedError(401, f"this is not signed with MAALSTROM_WEBHOOK_SECRET_{self._name.upper()}")
            if _is_wanted(self._name, request.headers):
                header = ("format", self._name.encode())
                key = routing_key(body, header, self._collector.files.reading)
                await self._collector.recorder.record([Outgoing(key, body, [header])])
                metrics.events(f"webhook {self._name}", "taken").inc()
        return success()

    def _signed(self, request: web.Request, body: bytes) -> bool:
        """Whether it is signed with today's secret."""
        secret = self._collector.files.secrets.get(self._name, b"")
        return bool(secret) and SIGNED[self._name](secret, request.headers, body, self._collector.now() // 1000)


def _is_wanted(name: str, headers: Headers) -> bool:
    """Of Shopify's topics, those of orders: others tell of people, and are read by nobody."""
    topic = headers.get("X-Shopify-Topic", "")
    return name != SHOPIFY or not topic or topic.lower().startswith(_SHOPIFY_TOPICS)


def routing_key(body: bytes, header: tuple[str, bytes], reading: Reading) -> bytes:
    """The key that the worker would give it: the user token of what it is, else its message's id, else its bytes'."""
    counting = replace(reading, counted={COMPLETED: COMPLETED, **reading.counted})  # else an order may be nobody's
    events = (event for item in read(body, [header], counting) for event in item.events)
    keys = (event.message.routing_key for event in events if not isinstance(event, Ignored))
    return next(keys, made([body])).encode()


def by_base64(header: str) -> Callable[[bytes, Headers, bytes, int], bool]:
    """Whether that header has the base64 of the body's HMAC-SHA-256."""

    def signed(key: bytes, headers: Headers, body: bytes, _: int) -> bool:
        expected = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest())
        return hmac.compare_digest(expected, headers.get(header, "").strip().encode("utf-8", "replace"))

    return signed


def by_stripe(key: bytes, headers: Headers, body: bytes, now: int) -> bool:
    """Whether `Stripe-Signature` has one of the time stamp and the body, not older than STRIPE_SECONDS."""
    parts = [part.strip().partition("=") for part in headers.get("Stripe-Signature", "")[:2000].split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    if not re.fullmatch(r"\d{1,12}", stamp, re.ASCII) or now - int(stamp) > STRIPE_SECONDS:
        return False
    expected = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    given = [value.encode("utf-8", "replace") for name, _, value in parts if name == "v1"]
    return any(hmac.compare_digest(expected, each) for each in given)


#: How each service signs: the secret, the headers, the body and the time in s.
SIGNED: dict[str, Callable[[bytes, Headers, bytes, int], bool]] = {
    SHOPIFY: by_base64("X-Shopify-Hmac-SHA256"),
    WOOCOMMERCE: by_base64("X-WC-Webhook-Signature"),
    STRIPE: by_stripe,
}
