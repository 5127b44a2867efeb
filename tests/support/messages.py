"""Events as producers send them, with what a test does not say left plain."""

import json
from datetime import UTC, datetime
from typing import Any

HOUR = 3_600_000  # ms
DAY = 24 * HOUR
NOON = 1_793_534_400_000  # 2026-11-01T12:00:00Z


def rfc3339(time: int) -> str:
    """That moment (ms since the epoch) in UTC, to the millisecond."""
    return datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{time % 1000:03d}Z"


def message(event: str, message_id: str, time: int, user: str | None = "u", **more: Any) -> bytes:
    """A `track` message; `campaign` and `consent` of `more` go into the context, `anonymous` is its anonymous id, the
    rest goes into the properties."""
    context = {name: more.pop(name) for name in ("campaign", "consent") if name in more}
    envelope = {"type": "track", "event": event, "messageId": message_id, "timestamp": rfc3339(time), "userId": user}
    if "anonymous" in more:
        envelope["anonymousId"] = more.pop("anonymous")
    return json.dumps(envelope | {"context": context, "properties": more}).encode()


def touch(message_id: str, time: int, campaign_id: str = "autumn", action: str = "click", **more: Any) -> bytes:
    """An engagement event of a campaign ('' = none) on facebook."""
    given = {"campaign": {"id": campaign_id}} if campaign_id else {}
    return message("Social Interaction", message_id, time, **({"action": action, "network": "facebook"} | given | more))


def order(message_id: str, time: int, order_id: str, revenue: int | str = 100, **more: Any) -> bytes:
    """A completed order."""
    return message("Order Completed", message_id, time, order_id=order_id, revenue=revenue, **more)


def refund(message_id: str, time: int, order_id: str, **more: Any) -> bytes:
    """A refund: of everything, unless `total` says how much."""
    return message("Order Refunded", message_id, time, order_id=order_id, **more)


def update(message_id: str, time: int, order_id: str, **more: Any) -> bytes:
    """What an order is now."""
    return message("Order Updated", message_id, time, order_id=order_id, **more)


def cancellation(message_id: str, time: int, order_id: str, **more: Any) -> bytes:
    """An order that is taken back as a whole."""
    return message("Order Cancelled", message_id, time, order_id=order_id, **more)


def page(message_id: str, time: int, url: str = "https://shop.example/", user: str | None = "u", **more: Any) -> bytes:
    """A `page` call; `campaign` and `consent` of `more` go into the context, the rest into the properties."""
    called = json.loads(message("", message_id, time, user, url=url, **more))
    del called["event"]
    return json.dumps(called | {"type": "page"}).encode()


def consent_word(message_id: str, time: int, allowed: bool, user: str | None = "u", **more: Any) -> bytes:
    """What somebody says of advertising from now on."""
    said = denied(allowed)
    return message("Segment Consent Preference Updated", message_id, time, user, consent=said, **more)


def batch(*messages: bytes, **more: Any) -> bytes:
    """The body that SDKs post: several messages; `more` stands beside them."""
    return json.dumps({"batch": [json.loads(message) for message in messages], **more}).encode()


def denied(advertising: bool = False) -> dict[str, Any]:
    """The consent that says so."""
    return {"categoryPreferences": {"advertising": advertising}}


def identify(message_id: str, time: int, anonymous: str, user: str, **more: Any) -> bytes:
    """An `identify` message that links the two tokens."""
    return _identity("identify", message_id, time, anonymousId=anonymous, userId=user, **more)


def alias(message_id: str, time: int, previous: str, user: str, **more: Any) -> bytes:
    """An `alias` message that links the two tokens."""
    return _identity("alias", message_id, time, previousId=previous, userId=user, **more)


def _identity(kind: str, message_id: str, time: int, **more: Any) -> bytes:
    return json.dumps({"type": kind, "messageId": message_id, "timestamp": rfc3339(time), **more}).encode()
