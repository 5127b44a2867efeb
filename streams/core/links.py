"""Links: which anonymous tokens belong to which user ids, as far as anybody has said (contract 6).

A link is a row of `Touches`: `user` is the hash of the anonymous token, `keys.high` that of the user id, `keys.low`
the anonymous token's again, `kind` the partitions of both (see `homes`), `time` that of the newest event when it was
noted. What a token stands for depends on the set of links alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streams.core.index import Index
from streams.core.message_ids import Keys
from streams.core.runs import I64, U64, Mask, Touches, matches, none
from streams.core.touches import Owned

_SPARE = 8  # marks for each link, so that few tokens without a link look as if they had one
_HOME_BITS = 15  # of a partition's number: two of them are a kind, which is below 2**30


class Homes(NamedTuple):
    """The partitions that tokens live in, a link each: that of the anonymous one, and that of the user id."""

    anonymous: I64
    user: I64


def link_rows(anonymous: U64, user: U64, home: Homes, time: int) -> Touches:
    """Links of tokens to users (hashes), noted at `time` (ms)."""
    keys = Keys(user, anonymous, np.zeros(len(user), np.uint8))
    kind = home.anonymous << _HOME_BITS | home.user
    return Touches(anonymous, np.full(len(user), time), kind.astype(np.uint32), keys)


def homes(links: Touches) -> Homes:
    """Where the tokens of those links live."""
    kind = links.kind.astype(np.int64)
    return Homes(kind >> _HOME_BITS, kind & ((1 << _HOME_BITS) - 1))


class Marks:
    """A set of hashes that is asked for many at once, of which it mostly has none: it may say that it has one too many,
    never one too few."""

    def __init__(self) -> None:
        self.bits = np.zeros(1, np.bool_)

    def add(self, hashes: U64, all_: Callable[[], U64], number: int) -> None:
        """Add some; `all_` gives those there are then, so many."""
        if number * _SPARE > len(self.bits):
            self.bits = np.zeros(1 << (number * _SPARE * 2).bit_length(), np.bool_)
            hashes = all_()
        self.bits[self._place(hashes)] = True

    def at(self, hashes: U64) -> I64:
        """The positions of those that may be in it."""
        return np.flatnonzero(self.bits[self._place(hashes)])

    def _place(self, hashes: U64) -> U64:
        return hashes & np.uint64(len(self.bits) - 1)


class Links:
    """All links that one partition knows of."""

    def __init__(self) -> None:
        self._by_token, self._by_user = Index(), Index()
        self._marks = Marks()

    def __len__(self) -> int:
        return len(self._by_token)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self._by_token.nbytes + self._by_user.nbytes + (self._marks.bits.nbytes if len(self) else 0)

    def add(self, links: Touches) -> Touches:
        """Take in links; those that are new."""
        fresh = links.take(self._by_token.add(links))
        self._by_user.add(fresh._replace(user=fresh.keys.high))
        self._marks.add(fresh.user, lambda: self._by_token.rows().user, len(self))
        return fresh

    def of(self, tokens: U64) -> tuple[Touches, I64]:
        """The links of those tokens, and for each the position of its token, which may occur several times."""
        at = self._marks.at(tokens)
        if not len(at):
            return none(), at
        distinct, place = np.unique(tokens[at], return_inverse=True)
        links, owner = self._by_token.of_users(distinct)
        order = np.argsort(owner, kind="stable")
        asked, found = matches(place, owner[order])
        return links.take(order[found]), at[asked]

    def resolve(self, tokens: U64) -> tuple[U64, Mask]:
        """The canonical token of each (itself where that is ambiguous), and whether it is ambiguous."""
        links, at = self.of(tokens)
        ambiguous = np.bincount(at, minlength=len(tokens)) > 1
        canonical = tokens.copy()
        canonical[at] = links.keys.high
        return np.where(ambiguous, tokens, canonical), ambiguous

    def to(self, users: U64) -> tuple[Touches, I64]:
        """The links to those users (sorted, distinct), and for each the position of its user; their tokens are the
        `keys.low` here too."""
        return self._by_user.of_users(users)

    def resolve_at(self, here: int, tokens: U64) -> tuple[U64, Mask]:
        """As `resolve`; ambiguous or not, those too are set apart whose canonical token lives in another partition."""
        canonical, apart = self.resolve(tokens)
        users, place = np.unique(canonical, return_inverse=True)
        links, at = self.to(users)
        away = np.zeros(len(users), np.bool_)
        away[at] = homes(links).user != here
        return canonical, apart | away[place]

    def certain(self, users: U64) -> Owned:
        """The tokens that have one of those users (sorted, distinct) as their canonical token."""
        links, at = self.to(users)
        tokens, owner = np.concatenate([users, links.keys.low]), np.concatenate([np.arange(len(users)), at])
        canonical, ambiguous = self.resolve(tokens)
        theirs = (canonical == users[owner]) & ~ambiguous
        return Owned(tokens[theirs], owner[theirs])

    def doubtful(self, users: U64) -> Owned:
        """The ambiguous tokens that are linked to one of those users (sorted, distinct), among others."""
        links, at = self.to(users)
        _, ambiguous = self.resolve(links.keys.low)
        return Owned(links.keys.low[ambiguous], at[ambiguous])

    def loosened(self, users: U64) -> Mask:
        """Who may have had more tokens before: one of theirs is ambiguous, or they are linked to others themselves."""
        distinct, place = np.unique(users, return_inverse=True)
        loose = self.resolve(distinct)[0] != distinct
        loose[self.doubtful(distinct).owner] = True
        return np.asarray(loose[place])

    @property
    def oldest(self) -> int | None:
        """When the first of the links was noted, ms; None where there is none."""
        return self._by_token.oldest

    def renew(self, time: int) -> Touches:
        """Note all links anew, at that time (ms); they are."""
        rows = self._by_token.rows()
        return self._keep(rows._replace(time=np.full(len(rows.time), time)))

    def unlink(self, token: int) -> bool:
        """Forget the links from and to that token (a hash); whether there were any."""
        rows = self._by_token.rows()
        kept = self._keep(without(rows, token))
        return len(kept.user) < len(rows.user)

    def near(self, token: int) -> U64:
        """That token, those that it is linked to or from, and who they are linked to: all whose journeys, or doubts
        about them, may hang on it."""
        tokens = np.array([token], np.uint64)
        users, anonymous = self.of(tokens)[0].keys.high, self.to(tokens)[0].keys.low
        tokens = np.unique(np.concatenate([tokens, users, anonymous]))
        return np.union1d(tokens, self.of(tokens)[0].keys.high)

    def _keep(self, links: Touches) -> Touches:
        self._by_token, self._by_user = Index(), Index()
        return self.add(links)


def without(links: Touches, token: int) -> Touches:
    """Those links that are neither from nor to that token (a hash)."""
    return links.take((links.keys.high != token) & (links.keys.low != token))
