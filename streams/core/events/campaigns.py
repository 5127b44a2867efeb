"""Which campaign a message counts for: what its words mean by a catalogue."""

import re
from collections.abc import Iterator
from functools import lru_cache

from streams.core.catalogue.model import Catalogue, Match
from streams.core.door.canonical import Words
from streams.core.door.networks import fits as host_fits

_NO_WORDS = Words()
SHOP = "shop"  # the network of a shop's own banners


class Campaigns:
    """Says for words which campaign they stand for, by one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._matching = [campaign for campaign in catalogue.campaigns if campaign.match]

    def of_touch(self, words: Words) -> str:
        """The campaign of a touch; '' = none."""
        named = next(self._named(words), "") or self._catalogue.of_coupons(words.coupons)
        return named or self._fitting(words) or self._by_network(words.network)

    def of_checkout(self, words: Words) -> str:
        """The campaign of a checkout; '' = none. An internal one is passed over, so that a coupon is seen."""
        if words == _NO_WORDS:
            return ""
        internal = self._catalogue.internal
        named = next((name for name in self._named(words) if name not in internal), "")
        coupons = (c for c in words.coupons if self._catalogue.of_coupons([c]) not in internal)
        return named or self._catalogue.of_coupons(coupons)

    def source_of_checkout(self, words: Words) -> str:
        """The campaign of the source that sent the buyer of a checkout without a campaign; '' = none, or
        the shop's own."""
        campaign = self._by_network(self.network_of_checkout(words)) if self._source(words) else ""
        return "" if self.is_internal(campaign) else campaign

    def network_of_checkout(self, words: Words) -> str:
        """The network of a checkout: its own, else that of a source whose campaign is not internal; '' = none."""
        return words.network or self._source(words)

    def _source(self, words: Words) -> str:
        """The first source that does not stand beside an internal campaign."""
        if not (words.source or words.next_source):
            return ""
        sources = zip((words.source, words.next_source), pairs(words), strict=True)
        return next((source for source, pair in sources if source and not self.is_internal(self._called(*pair))), "")

    def _by_network(self, network: str) -> str:
        """What those of a network without a campaign count for; those of the shop itself for none."""
        return self._catalogue.named(f"({network})") if network and network != SHOP else ""

    def is_internal(self, campaign: str) -> bool:
        """Whether touches of a campaign are in no journey."""
        return campaign in self._catalogue.internal

    def _named(self, words: Words) -> Iterator[str]:
        """What each pair of id and name stands for: the one that the catalogue lists, else the name, else the id."""
        return filter(None, (self._called(*pair) for pair in pairs(words)))

    def _called(self, id_: str, name: str) -> str:
        return self._catalogue.listed(id_) or self._catalogue.listed(name) or name or id_

    def _fitting(self, words: Words) -> str:
        return next((c.id for c in self._matching if c.match and fits(c.match, words)), "")


def pairs(words: Words) -> tuple[tuple[str, str], tuple[str, str]]:
    """Both pairs of campaign names, an id and a name each."""
    return (words.id, words.name), (words.next_id, words.next_name)


def fits(match: Match, words: Words) -> bool:
    """Whether the words are all that is asked for."""
    return (
        match.network in ("", words.network)
        and match.medium in ("", words.medium)
        and (not match.host or host_fits(match.host, words.host))
        and (not match.path or bool(_path(match.path).fullmatch(words.path)))
    )


@lru_cache(1000)
def _path(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
