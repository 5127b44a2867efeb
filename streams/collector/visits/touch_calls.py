"""Touches that the collector sees itself, as the track calls that an SDK would send for them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from streams.collector.recorder import Outgoing
from streams.core.catalogue.model import ShortLink

_CAMPAIGN = ("id", "name", "source", "medium", "term", "content")
UTM = {name: f"utm_{'campaign' if name == 'name' else name}" for name in _CAMPAIGN}  # by its name in context.campaign


def of_link(link: ShortLink, anonymous_id: str, now: int) -> Outgoing:
    """The touch of who follows a link; `anonymous_id` is '' where nobody is known again, `now` in ms."""
    properties = {"action": link.action, "network": link.network, "link": link.code}
    return _call("Social Interaction", anonymous_id, {"id": link.campaign}, properties, now)


def of_pixel(event: str, anonymous_id: str, query: Mapping[str, str], now: int) -> Outgoing:
    """The touch that a pixel tells of; `query` has its raw parameters, of which the utm are read as those of a page."""
    campaign = {name: query[parameter] for name, parameter in UTM.items() if parameter in query}
    return _call(event, anonymous_id, campaign, {}, now)


def _call(
    event: str, anonymous_id: str, campaign: Mapping[str, str], properties: Mapping[str, str], now: int
) -> Outgoing:
    message_id, time = str(uuid4()), _written(now)
    call = {
        "type": "track",
        "event": event,
        "messageId": message_id,
        **({"anonymousId": anonymous_id} if anonymous_id else {}),
        "timestamp": time,
        "receivedAt": time,
        "context": {"campaign": campaign},
        "properties": properties,
    }
    return Outgoing((anonymous_id or message_id).encode(), msgspec.json.encode(call))


def _written(now: int) -> str:
    return f"{datetime.fromtimestamp(now // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{now % 1000:03d}Z"
