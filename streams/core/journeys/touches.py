"""Touches in memory: the index of all that a partition retains, and the journey of each conversion.

It takes about 30 bytes an event (docs/measured.md).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from streams.core.columns.arrays import I64, U32, U64, Mask
from streams.core.columns.index import Index
from streams.core.columns.message_ids import Keys, plain_keys
from streams.core.columns.run import KeyedRows, concatenated, matches
from streams.core.identity.owners import Resolve, TokenOwners, each_alone
from streams.core.journeys.forgotten import NEVER, ForgottenTouches
from streams.core.journeys.lanes import TouchesByUserAndClass

_PART = 1 << 18  # touches or so that are put in order at once
_SOME = 64  # conversions that are looked at together where each may have a great many tokens
MAX_TOUCHES = 1000  # touches a conversion sees, the latest ones


class JourneyQuery(NamedTuple):
    """Conversions whose touches are asked for: `user` hash, `time` in ms, `windows` in ms as (n, CLASSES)."""

    user: U64
    time: I64
    windows: I64


class FoundJourneys(NamedTuple):
    """The touches of each wanted conversion: row `i` owns `starts[i]:starts[i + 1]` of `time` and `kind`, in order.

    `earlier[i]` says whether the user has any touch before the conversion, inside a window or not.
    """

    starts: I64
    time: I64
    kind: U32
    earlier: Mask


class TouchIndex(Index):
    """All retained engagement events of one partition. Ties are ordered by `text_of`, which gives the text of a message
    id, and `shown`, what a kind looks like. Touches of other partitions' tokens that count for users here are
    `replicated`: found with the rest, and counted with none."""

    def __init__(self, text_of: Callable[[int, int, int, int], str], shown: Callable[[int], tuple[Any, ...]]) -> None:
        super().__init__()
        self._text_of, self._shown = text_of, shown
        self.replicated, self.forgotten = Index(), ForgottenTouches()

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return super().nbytes + self.replicated.nbytes + self.forgotten.nbytes

    def expire(self, before: int) -> Keys:
        """Forget the rows before that time (ms), of each run as soon as they are many; returns keys of none now."""
        self.forgotten.expire(before)
        one, other = super().expire(before), self.replicated.expire(before)
        return self._none_now([one, other])

    def forget(self, before: int, past: Callable[[KeyedRows], Mask], counts: Callable[[KeyedRows], Mask]) -> Keys:
        """Forget those rows before that time (ms) that are `past`, of each run as soon as they are many; of those that
        `counts` says is noted when they were. Returns keys of none now."""
        rows = [self.discard(before, past), self.replicated.discard(before, past)]
        gone = concatenated(rows)
        self.forgotten.add(gone.take(counts(gone)))
        return self._none_now([each.keys for each in rows])

    def _none_now(self, gone: Sequence[Keys]) -> Keys:
        keys = Keys(*(np.concatenate([each[i] for each in gone]) for i in range(3)))
        return keys.take(~(self.holds(keys) | self.replicated.holds(keys)))

    def anonymise(self, token: int) -> bool:
        """The rows of that token (a hash) belong to nobody from now on, and their keys stay; whether there are any."""
        return super().anonymise(token) | self.replicated.anonymise(token) | self.forgotten.anonymise(token)

    def kinds(self) -> I64:
        """The kinds of all rows, each once."""
        return np.union1d(np.union1d(super().kinds(), self.replicated.kinds()), self.forgotten.kinds())

    def users(self) -> U64:
        """All users, sorted."""
        return np.union1d(np.union1d(super().users(), self.replicated.users()), self.forgotten.user)

    def of_users(self, users: U64) -> tuple[KeyedRows, I64]:
        """The rows of those users (sorted, distinct), and for each the user's position in `users`."""
        if not len(self.replicated):
            return super().of_users(users)
        (own, owner), (remote, user) = super().of_users(users), self.replicated.of_users(users)
        only = ~self.holds(remote.keys)  # what was replicated may have come here, too, since
        return concatenated([own, remote.take(only)]), np.concatenate([owner, user[only]])

    def journeys(
        self,
        wanted: JourneyQuery,
        classes: I64,
        tokens_of: Callable[[U64], TokenOwners] = each_alone,
        allowed: Callable[[KeyedRows, U64], Mask] | None = None,
    ) -> FoundJourneys:
        """The touches that each wanted conversion sees; `classes[kind]` is a kind's action class,
        `tokens_of` says which tokens count as each of the users (sorted, distinct, not 0), and `allowed` which of
        some touches, each of a user, are seen at all."""
        users, user = np.unique(wanted.user, return_inverse=True)
        owned = tokens_of(users[users != 0])
        rows, owner = self._rows_of(owned)
        owner += int((users == 0).any())
        action_class = classes[rows.kind]
        touch = action_class > 0
        if allowed is not None:
            touch &= allowed(rows, users[owner])
        rows, owner, action_class = rows.take(touch), owner[touch], action_class[touch]
        by_class, again = TouchesByUserAndClass(owner, action_class, rows.time), np.zeros(len(owner), np.bool_)
        if len(owned.token) > np.count_nonzero(users):
            again = _with_one_id(owner, rows)
        conversion, at = by_class.latest(user, wanted.time, wanted.windows, MAX_TOUCHES + int(again.sum()))
        earlier = by_class.any_before(user, wanted.time) | (self._first_forgotten(users, owned)[user] < wanted.time)
        return self._ordered(conversion, rows.take(at), again[at], earlier)

    def _first_forgotten(self, users: U64, owned: TokenOwners) -> I64:
        """When the first forgotten touch of each of the users was, ms, by the tokens of those that are not 0."""
        first = np.full(len(users), NEVER)
        np.minimum.at(first, owned.owner + int((users == 0).any()), self.forgotten.first_of(owned.token))
        return first

    def any_inside(
        self,
        wanted: JourneyQuery,
        classes: I64,
        tokens_of: Callable[[U64], TokenOwners],
        allowed: Callable[[KeyedRows, U64], Mask] | None = None,
    ) -> Mask:
        """Which conversions have a touch of theirs inside its window; arguments as for `journeys`, but that `allowed`
        is given the tokens. One may be of several users: its touches are looked at once, however many those are."""
        users, user = np.unique(wanted.user, return_inverse=True)
        owned = tokens_of(users)
        tokens, token = np.unique(owned.token, return_inverse=True)
        rows, at = self.of_users(tokens)
        touch = classes[rows.kind] > 0
        if allowed is not None:
            touch &= allowed(rows, tokens[at])
        by_class = TouchesByUserAndClass(at[touch], classes[rows.kind[touch]], rows.time[touch])
        order = np.argsort(owned.owner, kind="stable")
        found = np.zeros(len(user), np.bool_)
        for start in range(0, len(user), _SOME):
            conversion, pair = matches(user[start : start + _SOME], owned.owner[order])
            conversion += start
            inside = by_class.any_inside(token[order][pair], wanted.time[conversion], wanted.windows[conversion])
            found[conversion[inside]] = True
        return found

    def histories(
        self, classes: I64, resolve: Resolve | None = None, allowed: Callable[[KeyedRows], Mask] | None = None
    ) -> Iterator[KeyedRows]:
        """Everybody's touches, by user, time and message id, in parts that hold all touches of a user each; of those
        forgotten the last one. `classes` as for `journeys`. `resolve` says who the users are; what it sets apart, or is
        not `allowed`, is left out."""
        for rows in self._histories(classes, resolve):
            yield rows.take(allowed(rows)) if allowed else rows

    def _histories(self, classes: I64, resolve: Resolve | None) -> Iterator[KeyedRows]:
        linked = np.zeros(0, np.uint64)
        if resolve:
            users = self.users()
            canonical, apart = resolve(users)
            away = (canonical != users) | apart
            linked = np.union1d(users[away], canonical[away])
            rows = concatenated([self.of_users(linked)[0], self.forgotten.last(np.isin(self.forgotten.user, linked))])
            user, apart = resolve(rows.user)
            yield self._history(rows.take(~apart), user[~apart], classes)
        parts = len(self) // _PART + 1
        edges = [(1 << 64) * part // parts for part in range(parts + 1)]
        for least, end in pairwise(edges):
            user = self.forgotten.user
            inside = (user >= np.uint64(least)) & (user <= np.uint64(end - 1))
            rows = concatenated([self.by_user(least, end - 1), self.forgotten.last(inside)])
            rows = rows.take(~np.isin(rows.user, linked)) if len(linked) else rows
            yield self._history(rows, rows.user, classes)

    def _history(self, rows: KeyedRows, user: U64, classes: I64) -> KeyedRows:
        """The touches in order, each of its user."""
        touch = np.flatnonzero((classes[rows.kind] > 0) & (user != 0))
        order = touch[np.argsort(user[touch], kind="stable")]
        rows, user = rows.take(order), user[order]
        group = np.cumsum(np.diff(user, prepend=user[:1]) != 0)
        rows = rows.take(time_order(group, rows.time))
        return rows.take(self._tie_order(group, rows))._replace(user=user)

    def _rows_of(self, owned: TokenOwners) -> tuple[KeyedRows, I64]:
        """The rows of those tokens, once for each owner, and the owner of each."""
        tokens, token = np.unique(owned.token, return_inverse=True)
        order = np.argsort(token, kind="stable")
        owner = owned.owner[order]
        rows, at = self.of_users(tokens)
        if len(tokens) == len(owner):
            return rows, owner[at]
        seen, pairs = matches(at, token[order])
        return rows.take(seen), owner[pairs]

    def _ordered(self, conversion: I64, rows: KeyedRows, again: Mask, earlier: Mask) -> FoundJourneys:
        """By conversion, time and message id; the latest MAX_TOUCHES of each. Of those that share their ids with
        others, and are there `again`, the first of each id."""
        order = np.lexsort((rows.time, conversion))
        order = order[self._tie_order(conversion[order], rows.take(order))]
        conversion, rows, again = conversion[order], rows.take(order), again[order]
        if again.any():
            distinct = _first_of_ids(conversion, rows, again)
            conversion, rows = conversion[distinct], rows.take(distinct)
        ends = np.searchsorted(conversion, conversion, side="right")
        late = np.arange(len(conversion)) >= ends - MAX_TOUCHES
        starts = np.searchsorted(conversion[late], np.arange(len(earlier) + 1))
        return FoundJourneys(starts, rows.time[late], rows.kind[late], earlier)

    def _tie_order(self, conversion: I64, rows: KeyedRows) -> I64:
        """The positions of `rows` (ordered by time) with those at the same time ordered by their ids' texts, and those
        of one id, which are of several tokens, by what they look like."""
        order = np.arange(len(conversion))
        tied = (conversion[1:] == conversion[:-1]) & (rows.time[1:] == rows.time[:-1])
        edges = np.flatnonzero(np.diff(np.concatenate(([0], tied, [0]))))
        for start, last in edges.reshape(-1, 2).tolist():
            order[start : last + 1] = sorted(range(start, last + 1), key=lambda i: self._tie(rows, i))
        return order

    def _tie(self, rows: KeyedRows, i: int) -> tuple[Any, ...]:
        text = self._text_of(*(int(each[i]) for each in (*rows.keys, rows.user)))
        return text, *self._shown(int(rows.kind[i]))


def _with_one_id(owner: I64, rows: KeyedRows) -> Mask:
    """Which of the rows have the message id of another row of their owner: a message id is unique within its token."""
    keys, again = plain_keys(rows.keys, rows.user), np.zeros(len(owner), np.bool_)
    order = np.lexsort((keys.high, keys.low, owner))
    columns = (owner[order], keys.low[order], keys.high[order], keys.form[order])
    same = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    again[order] = np.append(same, False)[: len(owner)] | np.append(False, same)[: len(owner)]
    return again


def _first_of_ids(conversion: I64, rows: KeyedRows, again: Mask) -> Mask:
    """Which rows are the first of their conversion with their message ids; those alone that are there `again` may
    not be."""
    keys, distinct, seen = plain_keys(rows.keys, rows.user), np.ones(len(again), np.bool_), set[tuple[int, ...]]()
    for i in np.flatnonzero(again).tolist():
        key = tuple(int(each[i]) for each in (conversion, *keys))
        distinct[i] = key not in seen
        seen.add(key)
    return distinct


def time_order(group: I64, time: I64) -> I64:
    """The order of those times within their groups, which are numbered as they come."""
    first, span = int(time.min(initial=0)), int(np.ptp(time)) + 1 if len(time) else 1
    if (int(group.max(initial=0)) + 1) * span >= 1 << 63:
        return np.lexsort((time, group))
    return np.argsort(group * span + (time - first), kind="stable")  # nearly sorted, and so quick
