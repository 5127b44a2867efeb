"""Where a visitor came from: what a message says of its campaign, source, page and referrer."""

from collections.abc import Iterable
from typing import NamedTuple

from streams.core.door.canonical import Words
from streams.core.door.context import Reading
from streams.core.door.fields import ids, urls
from streams.core.door.fields.json_fields import Fields
from streams.core.door.fields.names import normal
from streams.core.door.fields.urls import Query
from streams.core.door.networks import LONGEST, Networks

_MEDIA_OF_EMAIL = ("email", "e-mail")
_PAGE = ("url", "referrer", "search", "path")
Pair = tuple[str, str]


class CampaignParameters(NamedTuple):
    """What a message's context says of a campaign, as sent; '' where absent."""

    id: str = ""
    name: str = ""
    source: str = ""
    medium: str = ""


class PageAddress(NamedTuple):
    """A page's address, referrer, query and path, as sent; '' where absent."""

    url: str = ""
    referrer: str = ""
    search: str = ""
    path: str = ""


class TrafficSource(NamedTuple):
    """Where a visitor came from. `names` are what the context and the page's address say of a campaign, normal, each an
    id and a name, and `sources` the networks of what they say of a source; '' where absent. Networks are resolved;
    `host` is that of the referrer, which is `known` as a network's where it is none of the shop's own."""

    names: tuple[Pair, Pair]
    sources: tuple[str, str]
    medium: str
    click: str
    host: str
    known: str
    path: str

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs of campaign names that say anything."""
        return tuple(filter(any, self.names))

    @property
    def source(self) -> str:
        """The network of the first source that is said, '' where none is."""
        return self.sources[0] or self.sources[1]

    @property
    def network(self) -> str:
        """The network of the source, else of a click id, else of the referrer; '' where nothing says."""
        return self.source or self.click or self.known

    @property
    def said(self) -> bool:
        """Whether anything says where the visitor came from."""
        return bool(self.pairs or self.network)


def page_of(message: Fields, properties: Fields) -> PageAddress:
    """The page of a `page` or `screen` message: of its properties, else of its context."""
    context = message.object("context").object("page")
    return PageAddress(*(properties.text(name) or context.text(name) for name in _PAGE))


def page_of_track(message: Fields, properties: Fields) -> PageAddress:
    """The page on which an event happened: of its context, its address else of the properties."""
    page = PageAddress(*map(message.object("context").object("page").text, _PAGE))
    return page if page.url else page._replace(url=properties.text("url"))


def origin(message: Fields, page: PageAddress, reading: Reading) -> TrafficSource:
    """Where a message says that its visitor came from."""
    of = message.object("context").object("campaign")
    campaign = CampaignParameters(of.id("id"), of.text("name"), of.text("source"), of.text("medium"))
    return resolved(campaign, urls.query(page.url, page.search), urls.host(page.referrer), path(page), reading)


def path(page: PageAddress) -> str:
    """The normal path of a page."""
    return normal(page.path or urls.path(page.url)) if page.path or page.url else ""


def resolved(campaign: CampaignParameters, query: Query, host: str, path: str, reading: Reading) -> TrafficSource:
    """The origin that a campaign and a query, as sent, and a referrer's host say: normal names and networks."""
    medium = ids.word(campaign.medium, reading) or ids.word(query.medium, reading)
    sources = (ids.word(said.source, reading) for said in (campaign, query))
    of_context, of_query = (of_source(source, medium, reading.networks) for source in sources)
    return TrafficSource(
        names=(_pair(campaign.id, campaign.name, reading), _pair(query.id, query.name, reading)),
        sources=(of_context, of_query),
        medium=medium,
        click=reading.networks.named(query.click),
        host=host,
        known=of_host(host, reading),
        path=path,
    )


def of_host(host: str, reading: Reading) -> str:
    """The network of a referrer's host, '' where it is not known or the shop's own."""
    network = reading.networks.of(host) if host else ""
    return network if network and not reading.own_hosts.have(host) else ""


def pairs(said: Iterable[Pair], reading: Reading) -> tuple[Pair, ...]:
    """The pairs of campaign names that say anything, normal."""
    return tuple(filter(any, (_pair(id_, name, reading) for id_, name in said)))


def _pair(id_: str, name: str, reading: Reading) -> Pair:
    return ids.word(id_, reading), ids.word(name, reading)


def of_source(source: str, medium: str, networks: Networks) -> str:
    """The network of a normal source: its own name where it is not known, unless the medium says that it is email."""
    if not source:
        return ""
    return networks.of(source) or ("email" if medium in _MEDIA_OF_EMAIL else source[:LONGEST])


def of_touch(origin: TrafficSource, network: str, coupons: tuple[str, ...], first: tuple[Pair, ...] = ()) -> Words:
    """The words of a touch with that network; `first` are pairs that go before those of the origin."""
    names = (first + origin.pairs)[:1]
    if names:
        return Words(*names[0], network=network)
    return Words(coupons=coupons, medium=origin.medium, network=network, host=origin.host, path=origin.path)


def of_completion(origin: TrafficSource, network: str, coupons: tuple[str, ...]) -> Words:
    """The words of a completion; `network` is that of `properties.network`."""
    source, next_source = origin.sources
    return Words(*origin.names[0], *origin.names[1], coupons, source=source, network=network, next_source=next_source)
