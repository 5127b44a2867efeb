"""Links: which anonymous tokens belong to which user ids, as far as anybody has said, and which are ambiguous.

What a token stands for depends on the set of links alone.

A token of more than MOST users is nobody's. Of one that has still more a single row says so, a link to NOBODY, in place
of all links to come: what a kiosk's browser costs is bounded, whoever uses it.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from streams.core.columns.arrays import I64, U32, U64, Mask
from streams.core.columns.bloom_filter import BloomFilter
from streams.core.columns.index import Index
from streams.core.columns.message_ids import Keys
from streams.core.columns.run import KeyedRows, first_of_each, key_order, matches
from streams.core.identity.owners import TokenOwners

MOST = 100  # users of a token, beyond which it is nobody's and makes none of their conversions doubtful
NOBODY = np.uint64(0)
_HOME_BITS = 15  # of a partition's number: two of them are a kind, which is below 2**30


class LinkPartitions(NamedTuple):
    """The partitions that tokens live in, a link each: that of the anonymous one, and that of the user id."""

    anonymous: I64
    user: I64


class Links(NamedTuple):
    """Links as columns: hashes of the `anonymous` token and of the `user_id`, the partitions that both live in, as one
    number (see `homes`), and the time of the newest event when each was `noted`, ms."""

    anonymous: U64
    user_id: U64
    home: U32
    noted: I64

    @classmethod
    def joined(cls, parts: "Iterable[Links]") -> "Links":
        """All links of those parts, one after the other."""
        columns = zip(_NONE, *parts, strict=True)
        return cls(*map(np.concatenate, columns))

    def take(self, at: I64 | Mask | slice) -> "Links":
        return Links(self.anonymous[at], self.user_id[at], self.home[at], self.noted[at])

    @property
    def homes(self) -> LinkPartitions:
        """Where the tokens of the links live."""
        home = self.home.astype(np.int64)
        return LinkPartitions(home >> _HOME_BITS, home & ((1 << _HOME_BITS) - 1))

    @property
    def rows(self) -> KeyedRows:
        """Links as an index and a segment keep them: rows of the anonymous token, whose key are both tokens."""
        form = np.zeros(len(self.anonymous), np.uint8)
        return KeyedRows(self.anonymous, self.noted, self.home, Keys(self.user_id, self.anonymous, form))


_NONE = Links(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.uint32), np.zeros(0, np.int64))


def links_of(rows: KeyedRows) -> Links:
    """The links that rows are, as `Links.rows` made them; whoever's rows they are in the index."""
    return Links(rows.keys.low, rows.keys.high, rows.kind, rows.time)


def new_links(anonymous: U64, user_id: U64, home: LinkPartitions, time: int) -> Links:
    """Links of tokens to users (hashes), noted at `time` (ms)."""
    number = home.anonymous << _HOME_BITS | home.user
    return Links(anonymous, user_id, number.astype(np.uint32), np.full(len(user_id), time))


def to_nobody(links: Links) -> Links:
    """Links of the same tokens that say that each has too many users."""
    home = links.homes.anonymous
    nobody = np.full(len(links.user_id), NOBODY)
    return links._replace(user_id=nobody, home=(home << _HOME_BITS | home).astype(np.uint32))


class IdentityGraph:
    """All links that one partition knows of."""

    def __init__(self) -> None:
        self._by_token, self._by_user = Index(), Index()
        self._marks = BloomFilter()

    def __len__(self) -> int:
        return len(self._by_token)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self._by_token.nbytes + self._by_user.nbytes + (self._marks.bits.nbytes if len(self) else 0)

    def add(self, links: Links) -> Links:
        """Take in links; those that are new, and one to NOBODY for each token that has too many with them."""
        rows = links.rows
        rows = rows.take(key_order(rows.keys))
        new = links_of(rows.take(first_of_each(rows.keys) & ~self._by_token.holds(rows.keys)))
        fresh = self._bounded(new) if len(new.anonymous) else new
        self._by_token.add(fresh.rows)
        real = fresh.take(fresh.user_id != NOBODY)
        self._by_user.add(real.rows._replace(user=real.user_id))
        self._marks.add(fresh.anonymous, lambda: self._by_token.rows().user, len(self))
        return fresh

    def _bounded(self, links: Links) -> Links:
        """The new links (distinct) that are kept: at most MOST + 1 a token, then one to NOBODY alone."""
        tokens, place = np.unique(links.anonymous, return_inverse=True)
        there, crowded = self._numbers(tokens)
        said = np.bincount(place[links.user_id == NOBODY], minlength=len(tokens)) > 0
        full = ~crowded & (said | (there + np.bincount(place) > MOST + 1))
        first = np.flatnonzero(np.diff(place[by_token := np.argsort(place, kind="stable")], prepend=-1))
        return Links.joined([links.take(~(crowded | full)[place]), to_nobody(links.take(by_token[first][full]))])

    def _numbers(self, tokens: U64) -> tuple[I64, Mask]:
        """How many users each of those tokens (sorted, distinct) has, and which have more than are kept."""
        links, at = self._from(tokens)
        crowded = np.bincount(at[links.user_id == NOBODY], minlength=len(tokens)) > 0
        return np.bincount(at, minlength=len(tokens)), crowded

    def of(self, tokens: U64) -> tuple[Links, I64]:
        """The links of those tokens, and for each the position of its token, which may occur several times; none of a
        token that has more users than are kept."""
        at = self._marks.at(tokens)
        if not len(at):
            return _NONE, at
        distinct, place = np.unique(tokens[at], return_inverse=True)
        links, owner = self._from(distinct)
        crowded = np.bincount(owner[links.user_id == NOBODY], minlength=len(distinct)) > 0
        links, owner = links.take(~crowded[owner]), owner[~crowded[owner]]
        order = np.argsort(owner, kind="stable")
        asked, found = matches(place, owner[order])
        return links.take(order[found]), at[asked]

    def perhaps_of(self, tokens: U64) -> I64:
        """The positions of those tokens that may have links; the others have none."""
        return self._marks.at(tokens)

    def ever_of(self, tokens: U64) -> tuple[U64, I64]:
        """The users (hashes) of those tokens (sorted, distinct), and for each the position of its token; of one that
        has too many those that it had before: whoever something changes for."""
        links, at = self._from(tokens)
        real = links.user_id != NOBODY
        return links.user_id[real], at[real]

    def resolve(self, tokens: U64) -> tuple[U64, Mask]:
        """The canonical token of each (itself where that is ambiguous), and whether it is ambiguous."""
        canonical, ambiguous = tokens.copy(), np.zeros(len(tokens), np.bool_)
        at = self._marks.at(tokens)
        if not len(at):
            return canonical, ambiguous
        distinct, place = np.unique(tokens[at], return_inverse=True)
        links, owner = self._from(distinct)
        several = np.bincount(owner, 1 + (links.user_id == NOBODY), len(distinct)) > 1
        only = distinct.copy()
        only[owner] = links.user_id
        canonical[at] = np.where(several, distinct, only)[place]
        ambiguous[at] = several[place]
        return canonical, ambiguous

    def to(self, users: U64) -> tuple[Links, I64]:
        """The links to those users (sorted, distinct), and for each the position of its user."""
        rows, at = self._by_user.of_users(users)
        return links_of(rows), at

    def _from(self, tokens: U64) -> tuple[Links, I64]:
        """The links of those tokens (sorted, distinct), and for each the position of its token."""
        rows, at = self._by_token.of_users(tokens)
        return links_of(rows), at

    @property
    def _all(self) -> Links:
        return links_of(self._by_token.rows())

    def resolve_at(self, here: int, tokens: U64) -> tuple[U64, Mask]:
        """Who tokens are, as `resolve` says; ambiguous or not, those too are set apart whose canonical token
        lives in another partition."""
        canonical, apart = self.resolve(tokens)
        users, place = np.unique(canonical, return_inverse=True)
        links, at = self.to(users)
        away = np.zeros(len(users), np.bool_)
        away[at] = links.homes.user != here
        return canonical, apart | away[place]

    def tokens_of(self, users: U64) -> TokenOwners:
        """The tokens that have one of those users (sorted, distinct) as their canonical token."""
        links, at = self.to(users)
        tokens, owner = np.concatenate([users, links.anonymous]), np.concatenate([np.arange(len(users)), at])
        canonical, ambiguous = self.resolve(tokens)
        theirs = (canonical == users[owner]) & ~ambiguous
        return TokenOwners(tokens[theirs], owner[theirs])

    def ambiguous_tokens_of(self, users: U64) -> TokenOwners:
        """The ambiguous tokens that are linked to one of those users (sorted, distinct), among others; none of those
        that have too many, and are nobody's."""
        links, at = self.to(users)
        tokens, place = np.unique(links.anonymous, return_inverse=True)
        number, crowded = self._numbers(tokens)
        theirs = ((number > 1) & (number <= MOST) & ~crowded)[place]
        return TokenOwners(links.anonymous[theirs], at[theirs])

    def may_have_lost_tokens(self, users: U64) -> Mask:
        """Who may have had more tokens before: one of theirs is ambiguous, or they are linked to others themselves."""
        distinct, place = np.unique(users, return_inverse=True)
        loose = self.resolve(distinct)[0] != distinct
        links, at = self.to(distinct)
        loose[at[self.resolve(links.anonymous)[1]]] = True
        return np.asarray(loose[place])

    @property
    def oldest(self) -> int | None:
        """When the first of the links was noted, ms; None where there is none."""
        return self._by_token.oldest

    def renew(self, time: int) -> Links:
        """Note all links anew, at that time (ms); they are."""
        links = self._all
        return self._keep(links._replace(noted=np.full(len(links.noted), time)))

    def unlink(self, token: int) -> bool:
        """Forget the links from and to that token (a hash); whether there were any."""
        links = self._all
        kept = without(links, token)
        self._keep(kept)
        return len(kept.anonymous) < len(links.anonymous)

    def component_of(self, token: int) -> U64:
        """A token, the tokens that it is linked to or from, and who they are linked to: all whose journeys, or doubts
        about them, may hang on it."""
        tokens = np.array([token], np.uint64)
        users, anonymous = self.ever_of(tokens)[0], self.to(tokens)[0].anonymous
        tokens = np.unique(np.concatenate([tokens, users, anonymous]))
        return np.union1d(tokens, self.ever_of(tokens)[0])

    def _keep(self, links: Links) -> Links:
        self._by_token, self._by_user = Index(), Index()
        return self.add(links)


def without(links: Links, token: int) -> Links:
    """The links that are neither from nor to a token (a hash)."""
    return links.take((links.user_id != token) & (links.anonymous != token))
