"""Lending: what a partition tells others of tokens that are one person with theirs (contract 6).

Tokens that are linked mostly live in different partitions. What there is of a token (its touches, and who it is linked
to) goes from the partition that it lives in to those of all users that it is linked to, and so do its orders: journeys
come together at the user. From there it goes on to each partition that has lent an order of somebody who is linked to
the user, so that it sees the same journey. Nothing is ever taken back: what a token stands for follows from the links.
All of it only adds to what somebody knows, so it may arrive late, twice, and in any order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from streams.core.admission import Origin
from streams.core.codes import Kinds
from streams.core.lent import LentOrders
from streams.core.links import Links, homes
from streams.core.message_ids import MessageIds
from streams.core.order_book import OrderBook
from streams.core.orders import Order
from streams.core.rivals import Places, Rivals
from streams.core.routing import FORWARDED, LEND, Forward, Router
from streams.core.runs import I64, U64, Touches, concatenated, none
from streams.core.segment import RAW_LIMIT, Segment, columns, cut, encode, rows, used_kinds
from streams.core.taken import Taken
from streams.core.touches import TouchIndex


class State(NamedTuple):
    """What a partition knows of tokens, its own and those of others."""

    touches: TouchIndex
    links: Links
    book: OrderBook
    lent: LentOrders
    rivals: Rivals
    kinds: Kinds
    ids: MessageIds


@dataclass
class _Parcel:
    """What goes to one partition."""

    touches: list[Touches] = field(default_factory=list)
    links: list[Touches] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    places: list[Places] = field(default_factory=list)
    rivals: dict[str, Order] = field(default_factory=dict)


@dataclass
class _Waiting:
    """What came since something was lent last: touches; links that were `said` here, and `heard` of; the ids of orders
    that changed, and of those to be `shown` to rivals; buyers of lent orders; places, by whom they are news to."""

    touches: list[Touches] = field(default_factory=list)
    said: list[Touches] = field(default_factory=list)
    heard: list[Touches] = field(default_factory=list)
    orders: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    buyers: set[int] = field(default_factory=set)
    places: dict[tuple[int, str], Places] = field(default_factory=dict)


class Lender:
    """Lends what the router's partition knows. What comes waits, so that a flush lends it in few records; what waited
    when a worker died is in the segments that were not flushed, and waits again."""

    def __init__(self, state: State, router: Router) -> None:
        self._state, self._here, self._alone = state, router.partition, router.partitions == 1
        self._waiting = _Waiting()
        self._parcels: defaultdict[int, _Parcel] = defaultdict(_Parcel)

    def add(self, taken: Taken) -> None:
        """Have what a batch brought, which is in the state already, wait to be lent."""
        if self._alone:
            return
        waiting = self._waiting
        waiting.touches += taken.touches + taken.lent
        waiting.said += taken.said
        waiting.heard += taken.heard
        waiting.orders |= taken.orders.keys()
        waiting.buyers.update(*(order.buyers for order in taken.lent_orders))
        self._meet_rivals(taken)

    def _meet_rivals(self, taken: Taken) -> None:
        """Where orders are completed in several partitions, those are to know each other, and each other's orders."""
        rivals, new = self._state.rivals, [order for order in taken.orders.values() if order.messages]
        completed = list(rivals.completed(new))
        taken.places += rivals.place(places for home, places in completed if home == self._here)
        # Said again with the order, or the segment that has it could be past before the order is.
        taken.rivals += rivals.others(new)
        news = (*completed, *rivals.told(taken.places))
        self._waiting.places |= {(to, each.order_id): each for to, each in news if to != self._here}
        self._waiting.shown |= {order.order_id for order in new} | {places.order_id for places in taken.places}

    def add_again(self, segments: Iterable[Segment]) -> None:
        """Have what restored segments brought wait to be lent: perhaps it never was."""
        for segment in segments:
            if segment.erased:
                self._waiting = _Waiting()  # all before it was lent before it was written
            orders = {order.order_id: order for order in segment.orders}
            touches, lent = map(self._kept, (segment.touches, rows(segment.lent)))
            taken = Taken([touches], [lent], [rows(segment.links)], orders=orders)
            taken.lent_orders, taken.places = segment.lent_orders, segment.places
            self.add(taken)
        links = concatenated([none(), *self._waiting.said])
        self._state.lent.unborrow(self._borrowed(links, self._waiting.buyers))

    def _kept(self, touches: Touches) -> Touches:
        """Those that are not past the retention, and forgotten."""
        index = self._state.touches
        return touches.take(index.holds(touches.keys) | index.lent.holds(touches.keys))

    def lend(self) -> list[Forward]:
        """What others are to be sent of all that waits."""
        waiting = self._waiting
        parts = waiting.touches, waiting.said, waiting.heard
        touches, said, heard = (concatenated([none(), *part]) for part in parts)
        links = concatenated([said, heard])
        borrowers = self._state.lent.borrow(self._borrowed(links, waiting.buyers))
        self._lend_links(said, heard)
        for target, at in _grouped(*self._readers(touches.user)):
            self._parcels[target].touches.append(touches.take(at))
        mine = self._state.book.orders
        self._lend_orders(mine[order_id] for order_id in waiting.orders & mine.keys())
        self._lend_past(links)
        self._lend_journeys(borrowers)
        for (target, _), places in waiting.places.items():
            self._parcels[target].places.append(places)
        for target, order in self._state.rivals.shown(mine[order_id] for order_id in waiting.shown & mine.keys()):
            self._parcels[target].rivals[order.order_id] = order
        sent = list(self._sent())
        self._waiting = _Waiting()
        return sent

    def _borrowed(self, links: Touches, buyers: set[int]) -> U64:
        """The tokens for which somebody may borrow, because of those new links and lent orders."""
        return np.append(links.user, np.fromiter(buyers, np.uint64, len(buyers)))

    def _lend_links(self, said: Touches, heard: Touches) -> None:
        for target, at in _grouped(*self._away(np.arange(len(said.user)), homes(said).anonymous)):
            self._parcels[target].links.append(said.take(at))
        for target, at in _grouped(*self._readers(said.user)):
            self._parcels[target].links.append(said.take(at))
        position, reader = self._readers(heard.user)
        new_to = homes(heard).user[position] != reader  # where the user lives, it was said
        for target, at in _grouped(position[new_to], reader[new_to]):
            self._parcels[target].links.append(heard.take(at))

    def _readers(self, tokens: U64) -> tuple[I64, I64]:
        """Who is to know what there is of those tokens: (position of the token, partition), a row each."""
        links, at = self._state.links.of(tokens)
        home = homes(links)
        own, ours = home.anonymous == self._here, home.user == self._here
        users, by = self._state.lent.borrowers(links.keys.high[ours])
        parts = [(at[own], home.user[own]), (at[ours][users], by), self._state.lent.borrowers(tokens)]
        return self._away(*map(np.concatenate, zip(*parts, strict=True)))

    def _away(self, position: I64, partition: I64) -> tuple[I64, I64]:
        away = partition != self._here
        return position[away], partition[away]

    def _lend_orders(self, orders: Iterable[Order]) -> None:
        """Those of buyers, and of former ones, that are linked to users of other partitions go there."""
        bought = [(order, user) for order in orders for user in (*order.buyers, *order.former)]
        links, at = self._state.links.of(np.fromiter((user for _, user in bought), np.uint64, len(bought)))
        for i, partition in zip(*(each.tolist() for each in self._away(at, homes(links).user)), strict=True):
            order = self._state.rivals.of(bought[i][0])
            self._parcels[partition].orders[order.order_id] = order.shown

    def _lend_past(self, links: Touches) -> None:
        """All that there was of newly linked tokens, to whom it is new."""
        home = homes(links)
        own, ours = self._first(links.take(home.anonymous == self._here)), links.take(home.user == self._here)
        at, by = self._state.lent.borrowers(ours.keys.high)
        self._lend_all(np.concatenate([own.user, ours.user[at]]), np.concatenate([homes(own).user, by]))
        buyers = np.unique(own.user).tolist()
        self._lend_orders(order for buyer in buyers for order in self._state.book.of_buyer(buyer))

    def _first(self, links: Touches) -> Touches:
        """Those of the new links of our own tokens that are the first to lead to their partition: a token of a thousand
        users is not lent a thousand times."""
        known, _ = self._state.links.of(np.unique(links.user))
        every, new = Counter(_ways(known)), _ways(links)
        distinct = set(zip(new, links.keys.high.tolist(), strict=True))  # a restored one may come twice
        fresh = Counter(way for way, _ in distinct)
        return links.take(np.array([every[way] == fresh[way] for way in new], np.bool_))

    def _lend_journeys(self, borrowers: Iterable[tuple[int, int]]) -> None:
        """All that there is of those users and of who is linked to them, each to a partition."""
        for user, by in borrowers:
            users = np.array([user], np.uint64)
            links, _ = self._state.links.to(users)
            tokens = np.append(users, links.keys.low)
            self._lend_all(tokens, np.full(len(tokens), by))

    def _lend_all(self, tokens: U64, partition: I64) -> None:
        """All touches and links of those tokens, each to a partition."""
        for target, at in _grouped(*self._away(np.arange(len(tokens)), partition)):
            distinct = np.unique(tokens[at])
            self._parcels[target].touches.append(self._state.touches.of_users(distinct)[0])
            links, _ = self._state.links.of(distinct)
            # Those that lead there are known there, or on their way as new ones.
            self._parcels[target].links.append(links.take(homes(links).user != target))

    def _sent(self) -> Iterator[Forward]:
        origin = Origin(LEND, FORWARDED, self._here, 0)
        parcels, self._parcels = self._parcels, defaultdict(_Parcel)
        for target, parcel in sorted(parcels.items()):
            for part in cut(self._wrapped(parcel), RAW_LIMIT):
                if part != Segment():
                    yield Forward(target, origin, None, encode(part))

    def _wrapped(self, parcel: _Parcel) -> Segment:
        touches = concatenated([none(), *parcel.touches])
        touches = touches.take(self._state.kinds.class_of[touches.kind] > 0)
        return Segment(
            kinds={code: self._state.kinds.words[code] for code in used_kinds(touches, ())},
            lent=columns(touches),
            texts=self._state.ids.texts_of(touches.keys),
            links=columns(concatenated([none(), *parcel.links])),
            lent_orders=list(parcel.orders.values()),
            places=parcel.places,
            rivals=list(parcel.rivals.values()),
        )


def _grouped(position: I64, partition: I64) -> Iterator[tuple[int, I64]]:
    """The positions for each partition."""
    for target in np.unique(partition).tolist():
        yield target, np.unique(position[partition == target])


def _ways(links: Touches) -> list[tuple[int, int]]:
    """Of each link, its token and the partition that it leads to."""
    return list(zip(links.user.tolist(), homes(links).user.tolist(), strict=True))
