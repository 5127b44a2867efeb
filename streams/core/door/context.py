"""What a reader knows beside the message: the goals' part of the catalogue and what `sources.toml` says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.core.door.networks import BUILT_IN, NO_HOSTS, Hosts, Networks
from streams.core.parsing.limits import LIMIT

ADVERTISING = frozenset({"advertising", "marketing", "targeting", "c0004"})


class TouchRule(NamedTuple):
    """What an event of `[touch]` means; `network` is resolved, '' where the message says it."""

    action: str
    network: str


@dataclass(frozen=True)
class Reading:
    """How to read a topic. Event names, networks, categories and placeholders are normalised.

    `counted`: the events that some goal counts, to how they are spelt in the catalogue. `id_fields`: the properties
    that are an order's key for some goal (`messageId` among them where a goal says so). `where`: the properties that
    some goal's `where` asks for. `limit`: bytes of a message, or of an item of a batch; `batch_limit`: bytes of a
    batch or a webhook.
    """

    counted: Mapping[str, str]
    id_fields: tuple[str, ...] = ("order_id",)
    where: tuple[str, ...] = ()
    base_currency: str = "NOK"
    format: str = "segment"
    scope: str = ""
    limit: int = LIMIT
    batch_limit: int = LIMIT
    scoped_by_affiliation: bool = False
    touch: Mapping[str, TouchRule] = field(default_factory=dict)
    advertising: frozenset[str] = ADVERTISING
    placeholders: frozenset[str] = frozenset()
    networks: Networks = BUILT_IN
    own_hosts: Hosts = NO_HOSTS
