"""Visible touches: which touches the conversions of a partition see, within lookback windows."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from streams.core.attribution.conversion import TOUCH, Conversion
from streams.core.catalogue.model import Catalogue, Goal
from streams.core.columns.arrays import I64, U64, Mask
from streams.core.columns.run import KeyedRows, matches
from streams.core.door.canonical import Words
from streams.core.events.campaigns import Campaigns
from streams.core.identity.consents import ConsentLines, Consents
from streams.core.identity.linker import Linker
from streams.core.journeys.kinds import TOKEN, TouchKind, TouchKinds
from streams.core.journeys.touches import FoundJourneys, JourneyQuery, TouchIndex
from streams.core.orders.order import Completion, Order
from streams.core.orders.shared import SharedOrders
from streams.core.orders.store import OrderStore
from streams.core.orders.value import ConversionValue

_NO_WORDS = Words()


class KnownState(Protocol):
    """What conversions are attributed by: a partition's state, or a part of it."""

    touches: TouchIndex
    kinds: TouchKinds
    linking: Linker
    consents: Consents
    book: OrderStore
    shared: SharedOrders


class PendingConversion(NamedTuple):
    """A conversion to be stated."""

    goal: Goal
    order: Order
    completion: Completion
    value: ConversionValue
    contested: bool
    before: Conversion | None


class SeenTouches(NamedTuple):
    """What a conversion sees: its canonical `user` (that of the checkout where it is ambiguous, 0 without consent), its
    `touches`, whether there are others before it, whether links leave open which are its own, and whether advertising
    was `denied` at its time."""

    user: int
    touches: bytes
    earlier: bool
    doubtful: bool
    denied: bool


class VisibleTouches:
    """Finds the touches that conversions see, by one catalogue."""

    def __init__(self, catalogue: Catalogue, known: KnownState) -> None:
        self._index, self._kinds, self._links = known.touches, known.kinds, known.linking.links
        self._consents = known.consents
        self.use(catalogue)

    def use(self, catalogue: Catalogue) -> None:
        """Go by that catalogue from now on."""
        self._campaigns = Campaigns(catalogue)

    def seen(self, cases: Sequence[PendingConversion], frozen_before: int) -> Iterator[SeenTouches]:
        """What each conversion sees; touches before `frozen_before` (ms) may have been forgotten."""
        bought = np.fromiter((case.completion.user for case in cases), np.uint64, len(cases))
        user, ambiguous = self._links.resolve(bought)
        people, lines = self._lines(user)
        denied = self._denied(cases, user, people, lines)
        wanted = _wanted(cases, np.where(ambiguous | denied, 0, user))
        consented = partial(self._consented, people, lines) if len(lines) else None
        found = self._index.journeys(wanted, self._kinds.class_of, self._links.tokens_of, consented)
        blobs = self._with_tokens(cases, found, denied)
        doubtful = (ambiguous & ~denied) | self._doubtful(wanted, np.array([not blob for blob in blobs], np.bool_))
        earlier = found.earlier | self._forgotten(cases, user, frozen_before)
        columns = (np.where(denied, 0, user), blobs, earlier, doubtful, denied)
        return map(SeenTouches, *(each if isinstance(each, list) else each.tolist() for each in columns))

    def _consented(self, people: U64, lines: ConsentLines, rows: KeyedRows, who: U64) -> Mask:
        """Which of those touches, each of one of the people, advertising was not denied for, or say so themselves."""
        refused = lines.denied(np.searchsorted(people, who), rows.time)
        return np.asarray(~refused | self._kinds.consented[rows.kind])

    def _consented_by_tokens(self, rows: KeyedRows, tokens: U64) -> Mask:
        """Which touches of tokens that are linked to several have consent: what such a token says holds for itself."""
        return self._consented(*self._lines(tokens), rows, tokens)

    def _lines(self, user: U64) -> tuple[U64, ConsentLines]:
        """The distinct people of conversions, and what holds for each when. What an ambiguous token says holds for it
        and for whose canonical token it is."""
        people, consents = np.unique(user), self._consents
        if not len(consents):
            return people, consents.lines(*consents.of(people))
        owned, alone = self._links.tokens_of(people[people != 0]), people[self._links.resolve(people)[1]]
        token = np.concatenate([owned.token, alone])
        owner = np.concatenate([owned.owner + int((people == 0).any()), np.searchsorted(people, alone)])
        tokens, place = np.unique(token, return_inverse=True)
        words, at = consents.of(tokens)
        order = np.argsort(place, kind="stable")
        word, pair = matches(at, place[order])
        return people, consents.lines(words.take(word), owner[order][pair])

    def _denied(self, cases: Sequence[PendingConversion], user: U64, people: U64, lines: ConsentLines) -> Mask:
        """Which conversions happened while advertising was denied: a checkout's own word goes before all others."""
        own = [case.completion.denied for case in cases]
        denied = np.array([word is True for word in own], np.bool_)
        silent = np.array([word is None for word in own], np.bool_) & (user != 0)
        if len(lines) and silent.any():
            time = np.fromiter((case.completion.time for case in cases), np.int64, len(cases))
            denied[silent] = lines.denied(np.searchsorted(people, user[silent]), time[silent])
        return denied

    def _forgotten(self, cases: Sequence[PendingConversion], user: U64, frozen_before: int) -> Mask:
        """Which had an earlier touch when they were last stated that may have been forgotten since; not where it may
        as well be a link that has taken it away."""
        once = [
            before is not None and before.user == now and before.reason == "out_of_window" and frozen_before > 0
            for before, now in zip((case.before for case in cases), user.tolist(), strict=True)
        ]
        forgotten = np.array(once, np.bool_)
        forgotten[forgotten] = ~self._links.may_have_lost_tokens(user[forgotten])
        return forgotten

    def _doubtful(self, wanted: JourneyQuery, untouched: Mask) -> Mask:
        """Which of the untouched ones would see a touch of a token that is linked to others, too."""
        untouched &= wanted.user != 0
        if len(self._links) and untouched.any():
            asked = JourneyQuery(wanted.user[untouched], wanted.time[untouched], wanted.windows[untouched])
            allowed = self._consented_by_tokens if len(self._consents) else None
            untouched[untouched] = self._index.any_inside(
                asked, self._kinds.class_of, self._links.ambiguous_tokens_of, allowed
            )
        else:
            untouched[:] = False
        return untouched

    def _with_tokens(self, cases: Sequence[PendingConversion], found: FoundJourneys, denied: Mask) -> list[bytes]:
        """The touches of each case as bytes, the checkout's own campaign added where no touch has it."""
        stated = self._kinds.stated_of[found.kind]
        parts = pairwise(found.starts.tolist())
        own = [
            None if refused else self._own(case.completion, stated[start:end])
            for case, refused, (start, end) in zip(cases, denied.tolist(), parts, strict=True)
        ]
        missing = [i for i, kind in enumerate(own) if kind]
        at = found.starts[1:][missing]
        touches = np.empty(len(found.time) + len(at), TOUCH)
        touches["time"] = np.insert(found.time, at, [cases[i].completion.time for i in missing])
        touches["kind"] = np.insert(stated, at, self._kinds.codes([kind for kind in own if kind]))
        starts = found.starts + np.searchsorted(missing, np.arange(len(cases) + 1))
        blob, edges = touches.tobytes(), (starts * TOUCH.itemsize).tolist()
        return [blob[start:end] for start, end in pairwise(edges)]

    def _own(self, completion: Completion, stated: I64) -> TouchKind | None:
        """The touch that a checkout adds to those stated: of its own campaign, else of the network that sent the buyer;
        None where there is one of that already."""
        words = completion.words
        if words == _NO_WORDS:
            return None
        network, campaign = self._campaigns.network_of_checkout(words), self._campaigns.of_checkout(words)
        if not campaign and network not in {self._kinds.words[kind].network for kind in set(stated.tolist())}:
            campaign = self._campaigns.source_of_checkout(words)
        if not campaign or (self._kinds.campaign_of[stated] == self._kinds.campaigns.code(campaign)).any():
            return None
        return TouchKind(campaign, network, TOKEN)


def _wanted(cases: Sequence[PendingConversion], user: U64) -> JourneyQuery:
    n = len(cases)
    time = np.fromiter((case.completion.time for case in cases), np.int64, n)
    windows = [(w.click, w.engage, w.view) for w in (case.goal.windows for case in cases)]
    return JourneyQuery(user, time, np.array(windows, np.int64).reshape(n, 3))
