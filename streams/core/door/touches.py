"""Touches: which actions there are, and which messages are one: social interactions, visits, those of `[touch]`."""

from collections.abc import Callable
from typing import Literal, get_args

from streams.core.door import origin as where
from streams.core.door.canonical import Message, Rejected, Touch, Words
from streams.core.door.context import Reading, TouchRule
from streams.core.door.fields import ids
from streams.core.door.fields.coupons import coupons
from streams.core.door.fields.json_fields import Fields
from streams.core.door.fields.names import normal
from streams.core.door.origin import Pair, TrafficSource

SOCIAL = "social interaction"
Action = Literal[
    "view", "impression", "video_view", "like", "comment", "share", "save", "follow", "reply", "reaction", "click",
    "visit", "scan", "open", "unlike", "unfollow", "unsave", "unshare",
]  # fmt: skip
ACTIONS = frozenset[str](get_args(Action))


def visit(record: Fields, reading: Reading) -> tuple[str, Words] | None:
    """The action and words of a `page` or `screen` message, None where it does not say where the visitor came from."""
    properties = record.object("properties")
    origin = where.origin(record, where.page_of(record, properties), reading)
    if not origin.said:
        return None
    network = _network(properties, reading) or origin.network
    return "visit", where.of_touch(origin, network, coupons(properties))


def social(message: Message, record: Fields, reading: Reading) -> Touch:
    """A social interaction. Raises Rejected where it says no action or network."""
    properties = record.object("properties")
    network = _network(properties, reading)
    if not network:
        raise Rejected("malformed", _missing(properties, "network", "a network, such as facebook"))
    return Touch(
        message, _action(properties), where.of_touch(_origin(record, properties, reading), network, coupons(properties))
    )


def by_rule(message: Message, record: Fields, rule: TouchRule, reading: Reading) -> Touch:
    """An event that `[touch]` of `sources.toml` names."""
    properties = record.object("properties")
    origin = _origin(record, properties, reading)
    network = rule.network or _network(properties, reading) or origin.network
    return Touch(message, rule.action, where.of_touch(origin, network, coupons(properties)))


def of_specification(message: Message, record: Fields, name: str, reading: Reading) -> Touch:
    """An event of SPECIFIED: its action, its network and its campaign."""
    action, network_of, campaign_of = SPECIFIED[name]
    properties = record.object("properties")
    origin = _origin(record, properties, reading)
    network = network_of(properties, origin, reading)
    return Touch(
        message, action, where.of_touch(origin, network, coupons(properties), campaign_of(properties, reading))
    )


def _origin(record: Fields, properties: Fields, reading: Reading) -> TrafficSource:
    return where.origin(record, where.page_of_track(record, properties), reading)


def _network(properties: Fields, reading: Reading, name: str = "network") -> str:
    return reading.networks.named(normal(properties.text(name)))


def _action(properties: Fields) -> str:
    action = properties.text("action").strip().casefold()
    if action not in ACTIONS:
        raise Rejected("malformed", _missing(properties, "action", f"one of {', '.join(sorted(ACTIONS))}"))
    return action


def _missing(properties: Fields, name: str, wanted: str) -> str:
    raw = properties.raw(name)
    said = "is missing" if raw is None else f"is {raw[:40].decode('utf-8', 'replace')}"
    return f"`properties.{name}` {said}; it has to be {wanted}"


def _shown_in_the_shop(properties: Fields, origin: TrafficSource, reading: Reading) -> str:
    return _network(properties, reading) or origin.network or "shop"


def _by_email(properties: Fields, origin: TrafficSource, reading: Reading) -> str:
    return "email"


def _installed(properties: Fields, origin: TrafficSource, reading: Reading) -> str:
    source = ids.word(properties.object("campaign").text("source"), reading)
    of_source = where.of_source(source, origin.medium, reading.networks)
    return _network(properties, reading) or of_source or origin.network


def _shared(properties: Fields, origin: TrafficSource, reading: Reading) -> str:
    return _network(properties, reading, "share_via") or _installed(properties, origin, reading)


def _promotion(properties: Fields, reading: Reading) -> tuple[Pair, ...]:
    return where.pairs(((properties.id("promotion_id"), ""),), reading)


def _campaign(properties: Fields, reading: Reading) -> tuple[Pair, ...]:
    nested = properties.object("campaign")
    said = (properties.id("campaign_id"), properties.text("campaign_name")), (nested.id("id"), nested.text("name"))
    return where.pairs(said, reading)


_NetworkOf = Callable[[Fields, TrafficSource, Reading], str]
_CampaignOf = Callable[[Fields, Reading], tuple[Pair, ...]]
SPECIFIED: dict[str, tuple[str, _NetworkOf, _CampaignOf]] = {
    "promotion viewed": ("view", _shown_in_the_shop, _promotion),
    "promotion clicked": ("click", _shown_in_the_shop, _promotion),
    "email opened": ("view", _by_email, _campaign),
    "email link clicked": ("click", _by_email, _campaign),
    "install attributed": ("visit", _installed, _campaign),
    "deep link opened": ("visit", _installed, _campaign),
    "product shared": ("share", _shared, _campaign),
    "cart shared": ("share", _shared, _campaign),
}
