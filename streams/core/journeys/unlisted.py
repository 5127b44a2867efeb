"""Names of campaigns that the catalogue does not list: so many a day, then OTHER.

So nobody's junk fills memory and tables. Which names those are depends on what arrived first, and is kept with what was
journalled.
"""

from collections.abc import Collection, Iterable
from hashlib import blake2b

from streams.core.catalogue.model import Catalogue
from streams.core.door.canonical import Words
from streams.core.parsing.units import DAY

OTHER = "(other)"
MOST = 10_000  # names a day, unless somebody says otherwise


class Unlisted:
    """The names of one partition, by day of arrival; at most so many of a day are told apart."""

    def __init__(self, catalogue: Catalogue, most: int = MOST) -> None:
        self._most = most
        self.use(catalogue)
        self.arriving: int | None = None
        self._days: dict[int, set[int]] = {}  # hashes of names
        self._new: dict[int, list[int]] = {}
        self.folded = 0  # times that a name became OTHER since that was last asked

    def use(self, catalogue: Catalogue) -> None:
        """Go by the names that this catalogue lists from now on."""
        self._listed = frozenset(campaign.id for campaign in catalogue.campaigns)

    def begin(self, now: int | None) -> None:
        """What follows arrives at that time, ms; None (a replay) = each event on its own day."""
        self.arriving = None if now is None else now // DAY
        if self.arriving is not None:
            self._days = {day: names for day, names in self._days.items() if day >= self.arriving}

    def day(self, time: int) -> int:
        """The day (since the epoch) that the names of an event at that time (ms) count for."""
        return time // DAY if self.arriving is None else self.arriving

    def name(self, campaign: str, time: int) -> str:
        """The campaign of an event at that time (ms), or OTHER."""
        if not campaign or campaign in self._listed:
            return campaign
        day = self.day(time)
        names, hashed = self._days.setdefault(day, set()), _hash(campaign)
        if hashed in names:
            return campaign
        if len(names) >= self._most:
            self.folded += 1
            return OTHER
        names.add(hashed)
        self._new.setdefault(day, []).append(hashed)
        return campaign

    def kept(self, words: Words, campaign: str, time: int) -> tuple[str, Words]:
        """The campaign of a message at that time (ms), which its words stand for, and the words; where the campaign is
        one too many they say OTHER, whatever catalogue is asked."""
        if self.name(campaign, time) == campaign:
            return campaign, words
        return OTHER, Words(name=OTHER, network=words.network)

    def take_new(self) -> dict[int, list[int]]:
        """The names that are new since the last call, by day: for the next segment."""
        new, self._new = self._new, {}
        return new

    def take_folded(self) -> int:
        """How many times a name became OTHER since the last call."""
        folded, self.folded = self.folded, 0
        return folded

    def put(self, days: Iterable[tuple[int, Collection[int]]]) -> None:
        """Take in what segments have of them."""
        for day, names in days:
            self._days.setdefault(day, set()).update(names)

    @property
    def held(self) -> dict[str, Collection[object]]:
        """What is kept of campaigns that are not listed, by sort: to be measured."""
        return {"names of today": max(self._days.values(), key=len, default=set())}


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
