"""Publishing: what a partition tells others of tokens that are one person with theirs.

Tokens that are linked mostly live in different partitions. What there is of a token (its touches, and who it is linked
to) goes from the partition that it lives in to those of all users that it is linked to, and so do its orders: journeys
come together at the user. From there it goes on to each partition that has sent an order of somebody who is linked to
the user, so that it sees the same journey. Nothing is ever taken back: what a token stands for follows from the links.
A partition only ever learns more from what it is told, so it may be told late, twice, and in any order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from streams.core.columns.arrays import I64, U64
from streams.core.columns.run import KeyedRows, concatenated, matches, none
from streams.core.events.batch import Forward, Origin
from streams.core.events.topics import FORWARDED
from streams.core.exchange.router import UPDATE, Router
from streams.core.exchange.state import PartitionState
from streams.core.exchange.update import PartitionUpdate, encoded
from streams.core.identity.links import NOBODY, Links
from streams.core.journal.effects import BatchEffects
from streams.core.journal.segment import Segment, rows, used_kinds
from streams.core.orders.order import Order
from streams.core.orders.shared import OrderLocations


@dataclass
class _Parts:
    """What goes to one partition."""

    touches: list[KeyedRows] = field(default_factory=list)
    consents: list[KeyedRows] = field(default_factory=list)
    links: list[Links] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    places: list[OrderLocations] = field(default_factory=list)
    shared_orders: dict[str, Order] = field(default_factory=dict)


@dataclass
class _Pending:
    """What came since something was published last: touches; words of consent; links that messages here told of, and
    those that other partitions did; the ids of orders that changed, and of those to be `shown` wherever else they were
    completed; buyers of foreign orders; places, by whom they are news to."""

    touches: list[KeyedRows] = field(default_factory=list)
    consents: list[KeyedRows] = field(default_factory=list)
    local_links: list[Links] = field(default_factory=list)
    remote_links: list[Links] = field(default_factory=list)
    orders: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    buyers: set[int] = field(default_factory=set)
    places: dict[tuple[int, str], OrderLocations] = field(default_factory=dict)


class Publisher:
    """Publishes what the router's partition knows. What comes waits, so that a flush sends it in few records; what
    waited when a worker died is in the segments that were not flushed, and waits again."""

    def __init__(self, state: PartitionState, router: Router) -> None:
        self._state, self._here, self._partitions = state, router.partition, router.partitions
        self._alone = router.alone
        self._waiting = _Pending()
        self._updates: defaultdict[int, _Parts] = defaultdict(_Parts)

    def add(self, taken: BatchEffects) -> None:
        """Have what a batch brought, which is in the state already, wait to be published."""
        if self._alone:
            return
        waiting = self._waiting
        waiting.touches += taken.touches + taken.replicated
        waiting.consents += taken.consents
        waiting.local_links += taken.local_links
        waiting.remote_links += taken.remote_links
        waiting.orders |= taken.orders.keys()
        waiting.buyers.update(*(order.buyers for order in taken.foreign_orders))
        self._announce(taken)

    def _announce(self, taken: BatchEffects) -> None:
        """Where orders are completed in several partitions, those are to know each other, and each other's orders."""
        shared, new = self._state.shared, [order for order in taken.orders.values() if order.messages]
        completed = list(shared.completed(new))
        located = shared.locate(places for home, places in completed if home == self._here)
        taken.places += located
        for order, cause in self._state.book.alike(shared.bares(located)):
            taken.note(order, cause)
        # Said again with the order, or the segment that has it could be past before the order is.
        taken.shared_orders += shared.remote_of(new)
        news = (*completed, *shared.announcements(taken.places))
        self._waiting.places |= {(to, each.order_id): each for to, each in news if to != self._here}
        self._waiting.shown |= {order.order_id for order in new} | {places.order_id for places in taken.places}

    def add_again(self, segments: Iterable[Segment]) -> None:
        """Have what restored segments brought wait to be published: perhaps it never was."""
        for segment in segments:
            if segment.erased:
                self._waiting = _Pending()  # all before it was published before it was written
            orders = {order.order_id: order for order in segment.orders}
            touches, replicated = map(self._kept, (segment.touches, rows(segment.replicated)))
            taken = BatchEffects([touches], [replicated], [segment.new_links], orders=orders)
            taken.foreign_orders, taken.places = segment.foreign_orders, segment.places
            taken.consents = [rows(segment.consents)]
            self.add(taken)
        links = Links.joined(self._waiting.local_links)
        self._state.subscriptions.resend(self._subscribed(links, self._waiting.buyers))

    def _kept(self, touches: KeyedRows) -> KeyedRows:
        """The orders that are not past the retention, and forgotten."""
        index = self._state.touches
        return touches.take(index.holds(touches.keys) | index.replicated.holds(touches.keys))

    def kinds(self) -> I64:
        """The kinds of the touches that wait."""
        return np.unique(concatenated([none(), *self._waiting.touches]).kind).astype(np.int64)

    def publish(self) -> list[Forward]:
        """What others are to be sent of all that waits."""
        waiting = self._waiting
        touches = concatenated([none(), *waiting.touches])
        told = Links.joined(waiting.local_links), Links.joined(waiting.remote_links)
        local, remote = map(self._publish_crowds, told)
        links = Links.joined([local, remote])
        subscribers = self._state.subscriptions.subscribe(self._subscribed(links, waiting.buyers))
        self._publish_links(local, remote)
        for target, at in _grouped(*self._readers(touches.user)):
            self._updates[target].touches.append(touches.take(at))
        consents = concatenated([none(), *waiting.consents])
        for target, at in _grouped(*self._readers(consents.user)):
            self._updates[target].consents.append(consents.take(at))
        mine = self._state.book.orders
        self._publish_orders(mine[order_id] for order_id in waiting.orders & mine.keys())
        self._publish_past(links)
        self._publish_journeys(subscribers)
        for (target, _), places in waiting.places.items():
            self._updates[target].places.append(places)
        for target, order in self._state.shared.updates_for(mine[order_id] for order_id in waiting.shown & mine.keys()):
            self._updates[target].shared_orders[order.order_id] = order
        sent = list(self._sent())
        self._waiting = _Pending()
        return sent

    def _subscribed(self, links: Links, buyers: set[int]) -> U64:
        """The tokens for which somebody may subscribe, because of those new links and foreign orders."""
        return np.append(links.anonymous, np.fromiter(buyers, np.uint64, len(buyers)))

    def _publish_crowds(self, links: Links) -> Links:
        """Have all partitions know which tokens are nobody's, each told by the token's own; the other links."""
        nobodys = links.user_id == NOBODY
        crowds = links.take(nobodys)
        home = crowds.homes.anonymous
        for target in range(self._partitions) if len(home) else ():
            if target != self._here:
                self._updates[target].links.append(crowds.take((home == self._here) | (home == target)))
        return links.take(~nobodys)

    def _publish_links(self, local: Links, remote: Links) -> None:
        for target, at in _grouped(*self._away(np.arange(len(local.anonymous)), local.homes.anonymous)):
            self._updates[target].links.append(local.take(at))
        for target, at in _grouped(*self._readers(local.anonymous)):
            self._updates[target].links.append(local.take(at))
        position, reader = self._readers(remote.anonymous)
        new_to = remote.homes.user[position] != reader  # where the user lives, it was said
        for target, at in _grouped(position[new_to], reader[new_to]):
            self._updates[target].links.append(remote.take(at))

    def _readers(self, tokens: U64) -> tuple[I64, I64]:
        """Who is to know what there is of those tokens: (position of the token, partition), a row each."""
        distinct, place = np.unique(tokens, return_inverse=True)
        links, at = self._state.linking.links.of(distinct)
        home = links.homes
        own, ours = home.anonymous == self._here, home.user == self._here
        users, by = self._state.subscriptions.subscribers(links.user_id[ours])
        parts = [(at[own], home.user[own]), (at[ours][users], by), self._state.subscriptions.subscribers(distinct)]
        pairs = np.unique(np.stack(self._away(*map(np.concatenate, zip(*parts, strict=True)))), axis=1)
        position, reader = matches(place, pairs[0])
        return position, pairs[1][reader]

    def _away(self, position: I64, partition: I64) -> tuple[I64, I64]:
        away = partition != self._here
        return position[away], partition[away]

    def _publish_orders(self, orders: Iterable[Order]) -> None:
        """Orders of buyers, and of former ones, that are linked to users of other partitions go there."""
        bought = [(order, user) for order in orders for user in (*order.buyers, *order.former)]
        links, at = self._state.linking.links.of(np.fromiter((user for _, user in bought), np.uint64, len(bought)))
        for i, partition in zip(*(each.tolist() for each in self._away(at, links.homes.user)), strict=True):
            order = self._state.shared.of(bought[i][0])
            self._updates[partition].orders[order.order_id] = order.replica

    def _publish_past(self, links: Links) -> None:
        """All that there was of newly linked tokens, to whom it is new."""
        home = links.homes
        own, ours = self._first(links.take(home.anonymous == self._here)), links.take(home.user == self._here)
        at, by = self._state.subscriptions.subscribers(ours.user_id)
        self._publish_all(np.concatenate([own.anonymous, ours.anonymous[at]]), np.concatenate([own.homes.user, by]))
        buyers = np.unique(own.anonymous).tolist()
        self._publish_orders(order for buyer in buyers for order in self._state.book.of_buyer(buyer))

    def _first(self, links: Links) -> Links:
        """The new links of our own tokens that are the first to lead to their partition: a token of a thousand
        users is not published a thousand times."""
        known, _ = self._state.linking.links.of(np.unique(links.anonymous))
        every, new = Counter(_ways(known)), _ways(links)
        distinct = set(zip(new, links.user_id.tolist(), strict=True))  # a restored one may come twice
        fresh = Counter(way for way, _ in distinct)
        return links.take(np.array([every[way] == fresh[way] for way in new], np.bool_))

    def _publish_journeys(self, subscribers: Iterable[tuple[int, int]]) -> None:
        """All that there is of those users and of who is linked to them, each to a partition."""
        for user, by in subscribers:
            users = np.array([user], np.uint64)
            links, _ = self._state.linking.links.to(users)
            tokens = np.append(users, links.anonymous)
            self._publish_all(tokens, np.full(len(tokens), by))

    def _publish_all(self, tokens: U64, partition: I64) -> None:
        """All touches and links of those tokens, each to a partition."""
        for target, at in _grouped(*self._away(np.arange(len(tokens)), partition)):
            distinct = np.unique(tokens[at])
            self._updates[target].touches.append(self._state.touches.of_users(distinct)[0])
            self._updates[target].consents.append(self._state.consents.of(distinct)[0])
            links, _ = self._state.linking.links.of(distinct)
            # Those that lead there are known there, or on their way as new ones.
            self._updates[target].links.append(links.take(links.homes.user != target))

    def _sent(self) -> Iterator[Forward]:
        origin = Origin(UPDATE, FORWARDED, self._here, 0)
        updates, self._updates = self._updates, defaultdict(_Parts)
        for target, parts in sorted(updates.items()):
            for value in encoded(self._update(parts)):
                yield Forward(target, origin, None, value)

    def _update(self, parts: _Parts) -> PartitionUpdate:
        touches = concatenated([none(), *parts.touches])
        # Whatever its campaign is: another catalogue may say that it is in a journey after all.
        touches = touches.take(self._state.kinds.action_class_of[touches.kind] > 0)
        consents = concatenated([none(), *parts.consents])
        return PartitionUpdate(
            kinds={code: self._state.kinds.words[code] for code in used_kinds(touches, ())},
            touches=touches,
            texts=self._state.ids.texts_of(touches.keys) + self._state.consents.texts_of(consents),
            consents=consents,
            links=Links.joined(parts.links),
            orders=list(parts.orders.values()),
            places=parts.places,
            shared_orders=list(parts.shared_orders.values()),
        )


def _grouped(position: I64, partition: I64) -> Iterator[tuple[int, I64]]:
    """The positions for each partition."""
    for target in np.unique(partition).tolist():
        yield target, np.unique(position[partition == target])


def _ways(links: Links) -> list[tuple[int, int]]:
    """Of each link, its token and the partition that it leads to."""
    return list(zip(links.anonymous.tolist(), links.homes.user.tolist(), strict=True))
