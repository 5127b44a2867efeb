"""What a message says of where somebody came from, before any catalogue is asked.

Chosen: each pair of id and name is asked by itself, so that a context with a name hides the URL; coupons are at most
8 different ones; `path` goes before that of `url`; the medium is the context's, else the URL's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.oracle.door.fields import Fields
from tests.oracle.door.messages import Message
from tests.oracle.door.names import NO_CAMPAIGN, host_of, name
from tests.oracle.door.networks import Networks
from tests.oracle.settings import Sources

COUPONS = 8
OrderLocations = tuple[str, str, str]
OF_THE_CONTEXT = ("context.campaign.id", "context.campaign.name", "context.campaign.source")


class Pair(NamedTuple):
    """One place that names a campaign: normalised, '' where absent."""

    id: str = ""
    name: str = ""
    source: str = ""


@dataclass
class Words:
    """`pairs` in the order in which they are asked, `network` of `properties.network`, `host` of the referrer, `path`
    of the landing page, `parameters` of the page's URL."""

    pairs: Sequence[Pair] = ()
    coupons: Sequence[str] = ()
    network: str = ""
    medium: str = ""
    host: str = ""
    path: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    def network_of_touch(self, networks: Networks) -> str:
        return (
            self.network_of(self.pairs, networks)
            or networks.of_click(self.parameters)
            or networks.of_referrer(self.host)
        )

    def network_of(self, pairs: Iterable[Pair], networks: Networks) -> str:
        """The network that is said in words, by these pairs."""
        if self.network:
            return networks.of_name(self.network)
        source = next((pair.source for pair in pairs if pair.source), "")
        return networks.of_source(source, self.medium) if source else ""


def say_of_campaigns(sources: Sources, message: Message, first: Iterable[OrderLocations]) -> Words:
    """`first` are places (of an id, a name and a source, '' = none) that are asked before the context."""
    fields = message.fields
    url, referrer, search, path = _page(message)
    parameters = query(url.partition("#")[0].partition("?")[2] or search.removeprefix("?"))
    places = [*first, OF_THE_CONTEXT]
    pairs = [Pair(*(_word(sources, text) for text in _texts(fields, three))) for three in places]
    in_url = [parameters.get(f"utm_{key}", "") for key in ("id", "campaign", "source")]
    pairs.append(Pair(*(_word(sources, text) for text in in_url)))
    medium = name(fields.text("context.campaign.medium")) or name(parameters.get("utm_medium", ""))
    network = name(fields.text("properties.network"))
    return Words(pairs, _coupons(fields), network, medium, host_of(referrer), path or _path(url), parameters)


def _texts(fields: Fields, places: OrderLocations) -> list[str]:
    """What stands there as id, name and source."""
    id_, *others = places
    return [fields.id(id_) if id_ else "", *(fields.text(place) if place else "" for place in others)]


def _word(sources: Sources, text: str) -> str:
    """A campaign or source, '' where it stands for none."""
    word = name(text)
    return "" if word in NO_CAMPAIGN or sources.is_nobody(word) else word


def _page(message: Message) -> list[str]:
    """The page's url, referrer, search and path."""
    fields = message.fields
    found = []
    for key in ("url", "referrer", "search", "path"):
        of_context, of_properties = f"context.page.{key}", f"properties.{key}"
        if message.type == "track":
            places = [of_context, of_properties] if key == "url" else [of_context]
        else:
            places = [of_properties, of_context]
        found.append(next(filter(None, map(fields.text, places)), ""))
    return found


def query(text: str) -> dict[str, str]:
    """The parameters as they are written, names in lower case; of repeated ones the first that is not empty."""
    found: dict[str, str] = {}
    for part in text.split("&"):
        key, _, value = part.partition("=")
        if value:
            found.setdefault(key.lower(), value)
    return found


def _path(url: str) -> str:
    plain = url.partition("#")[0].partition("?")[0]
    return "/" + plain.partition("://")[2].partition("/")[2] if "://" in plain else ""


def _coupons(fields: Fields) -> list[str]:
    written: list[str] = []
    for place in ("properties.coupon", "properties.coupons"):
        given = fields.value(place)
        for one in given if isinstance(given, list) else [given]:
            written += fields.as_id(one, place).split(",")
    for place, key in (("properties.discount_codes", "code"), ("properties.products", "coupon")):
        for part in fields.objects(place):
            written.append(fields.as_id(part.get(key), f"{place}.{key}"))
    return list(dict.fromkeys(filter(None, map(name, written))))[:COUPONS]
