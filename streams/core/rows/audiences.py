"""Rows of `engagement_audience` and `conversion_audience`: which members of which audience engaged, and converted.

An audience's people are the persons (canonical tokens) that the tokens on its list stand for. All of it is counted anew
from the state, so that it depends on the events, the links and the lists alone; what is no longer so is written as
removed. A person is counted by the partition that their canonical token lives in, where all of a journey is known.
Who denies advertising is in no row.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from streams.core.attribution.conversion import Conversion
from streams.core.attribution.transitions import ForeignConversion
from streams.core.columns.arrays import I64, U64, Mask
from streams.core.columns.column import Columns
from streams.core.columns.dictionary import coded
from streams.core.columns.run import KeyedRows, matches
from streams.core.door.canonical import END_OF_TIME
from streams.core.identity.consents import Consents
from streams.core.identity.linker import Linker
from streams.core.identity.links import NOBODY as CROWD
from streams.core.journeys.kinds import TouchKinds
from streams.core.journeys.touches import TouchIndex
from streams.core.orders.keys import shown
from streams.core.parsing.units import DAY
from streams.core.rows.audience_rows import NONE, AudienceRows, distinct, joined, latest, ordered, places
from streams.core.rows.members import BOUGHT_BEFORE, NOBODY, Members

PAUSE = 0.06  # ms between two counts for each touch of members, as of transitions
_EVER = -(1 << 62)  # ms; of a list: whenever its people engaged


class State(Protocol):
    """What is known of touches and people."""

    touches: TouchIndex
    linking: Linker
    consents: Consents
    kinds: TouchKinds


class _Claims(NamedTuple):
    """Who may be of which audience, by `user`; counted where it `holds`, from after the time `since` (ms) on."""

    user: U64
    audience: I64
    since: I64
    holds: Mask

    def take(self, at: I64 | Mask) -> "_Claims":
        columns: list[Any] = [column[at] for column in self]
        return _Claims(*columns)


class _People(NamedTuple):
    """Tokens (sorted, distinct), who each is, and which of them are nobody's or another partition's."""

    token: U64
    person: U64
    apart: Mask


class Audiences:
    """Keeps what was written last of the audiences of one partition, `here`."""

    def __init__(self, state: State, here: int) -> None:
        self._state, self._here = state, here
        self._members = NOBODY
        self._changed, self._restored, self._next = False, False, 0.0
        self._known, self._unwritten = NONE, NONE
        self._bought: dict[tuple[str, str, str], int] = {}
        self._unwritten_bought: dict[tuple[str, str, str], tuple[int, bool]] = {}

    def enlist(self, members: Members) -> None:
        """Go by those lists from now on."""
        lists = sorted({*self._members.names, *members.names})
        place = {name: at for at, name in enumerate(lists)}
        self._recode(np.array([place[name] for name in self._members.names], np.int64))
        at = np.array([place[name] for name in members.names], np.int64)
        self._members = Members(lists, members.token, at[members.audience])
        self._changed, self._next = True, 0.0

    def _recode(self, at: I64) -> None:
        self._known = self._known._replace(audience=at[self._known.audience])
        self._unwritten = self._unwritten._replace(audience=at[self._unwritten.audience])

    def mark(self) -> None:
        """Something has changed."""
        self._changed = True

    def restored(self) -> None:
        """The state is another's, which may have written what is no longer so."""
        self._changed = self._restored = True

    def forget(self, token: int) -> None:
        """Write nothing more of that token (a hash), which was erased."""
        self._known = self._known.take(self._known.user != token)
        self._unwritten = self._unwritten.take(self._unwritten.user != token)
        self._bought = {key: user for key, user in self._bought.items() if user != token}
        self._unwritten_bought = {key: row for key, row in self._unwritten_bought.items() if row[0] != token}
        self._changed = True

    def due(self, now: int | None, at_once: bool = False) -> bool:
        """Whether something has changed, and it is time to count anew at `now` (ms; None: it is), or `at_once`."""
        asked = len(self._members.token) or len(self._known.user) or self._bought
        return self._changed and bool(asked) and (at_once or now is None or now >= self._next)

    def count(
        self, here: Sequence[Conversion], elsewhere: Sequence[ForeignConversion], since: int, now: int | None
    ) -> None:
        """Count anew, with the conversions stated `here` and `elsewhere`. What lies on days that do not come
        wholly after `since` (ms), before which events may be forgotten, stays as it is."""
        self._changed = False
        people = self._people(here, elsewhere)
        claims = self._claims(people, here, elsewhere)
        found, looked_at = self._found(people, claims)
        self._next = (now or 0) + PAUSE * looked_at
        self._note(found, since)
        self._note_bought(here, claims, people)
        self._restored = False

    def _people(self, statements: Iterable[Conversion], elsewhere: Iterable[ForeignConversion]) -> _People:
        """All tokens that may be of somebody on a list, or who bought."""
        links = self._state.linking.links
        buyers = np.array([*{s.user for s in statements if s.user}, *{b.user for b in elsewhere}], np.uint64)
        seeds = np.union1d(self._members.token, buyers)
        users = np.union1d(seeds, links.ever_of(seeds)[0])
        tokens = np.union1d(users, links.to(users)[0].anonymous)
        tokens = tokens[tokens != 0]
        return _People(tokens, links.resolve(tokens)[0], links.resolve_at(self._here, tokens)[1])

    def _claims(self, people: _People, here: Iterable[Conversion], elsewhere: Iterable[ForeignConversion]) -> _Claims:
        token, audience = self._members.token, self._members.audience
        distinct_tokens = np.unique(token)
        links, at = self._state.linking.links.of(distinct_tokens)
        link, row = matches(at, np.searchsorted(distinct_tokens, token))
        linked = links.user_id[link]
        place = np.searchsorted(people.token, links.anonymous[link])
        alone = ~self._state.linking.links.resolve(people.token)[1]
        certain = (people.person[place] == linked) & alone[place]
        bought = [(s.user, s.time, bool(s.counted)) for s in here if s.user]
        bought += [(b.user, b.time, True) for b in elsewhere]
        before = self._members.names.index(BOUGHT_BEFORE)
        return _of_each(
            _Claims(
                np.concatenate([token, linked, np.array([user for user, _, _ in bought], np.uint64)]),
                np.concatenate([audience, audience[row], np.full(len(bought), before)]),
                np.append(np.full(len(token) + len(linked), _EVER), np.array([t for _, t, _ in bought], np.int64)),
                np.concatenate([np.ones(len(token), np.bool_), certain, np.array([h for *_, h in bought], np.bool_)]),
            )
        )

    def _found(self, people: _People, claims: _Claims) -> tuple[AudienceRows, int]:
        """The rows there are, those that do not hold among them; and how many touches were looked at."""
        kinds = self._state.kinds
        touches, at = self._state.touches.of_users(people.token)
        counts = kinds.class_of[touches.kind] > 0
        touches, at = touches.take(counts), at[counts]
        user, row, own = self._candidates(people, touches, at)
        holds = own & self._allowed(people, touches.take(row), at[row])
        claimed, claim = matches(np.searchsorted(claims.user, user), np.searchsorted(claims.user, claims.user))
        same = claims.user[claim] == user[claimed]
        claimed, claim = claimed[same], claim[same]
        touches = touches.take(row[claimed])
        after = touches.time > claims.since[claim]
        rows = AudienceRows(
            user[claimed],
            claims.audience[claim],
            kinds.means_of[touches.kind],
            touches.time // DAY,
            holds[claimed] & claims.holds[claim] & after,
        )
        return distinct(rows), len(at)

    def _candidates(self, people: _People, touches: KeyedRows, at: I64) -> tuple[U64, I64, Mask]:
        """Whose each touch may be, or may have been: (person, position of the touch, whether it is theirs)."""
        links, position = self._state.linking.links.of(people.token)
        real = links.user_id != CROWD
        links, position = links.take(real), position[real]
        away = np.zeros(len(people.token), np.bool_)  # tokens that live in another partition
        away[position[links.homes.anonymous != self._here]] = True
        theirs, user_at = self._state.linking.links.to(people.token)
        away[user_at[theirs.homes.user != self._here]] = True
        alone = np.flatnonzero(~away[at])
        here = links.homes.user == self._here
        links, position = links.take(here), position[here]
        order = np.argsort(position, kind="stable")
        touch, link = matches(at, position[order])
        user = np.append(people.token[at[alone]], links.user_id[order][link])
        row = np.append(alone, touch)
        own = (people.person[at[row]] == user) & ~people.apart[at[row]]
        return user, row, own

    def _allowed(self, people: _People, touches: KeyedRows, at: I64) -> Mask:
        """Which touches of tokens, whose positions are `at`, were made while nobody denied it, by who does not now."""
        words, said_at = self._state.consents.of(people.token)
        if not len(words.user):
            return np.ones(len(at), np.bool_)
        who, person = np.unique(people.person, return_inverse=True)
        lines = self._state.consents.lines(words, person[said_at])
        refused = lines.denied(person[at], touches.time) & ~self._state.kinds.consented[touches.kind]
        return np.asarray(~refused & ~lines.denied(np.arange(len(who)), np.full(len(who), END_OF_TIME))[person[at]])

    def _note(self, found: AudienceRows, since: int) -> None:
        """Have written what is not as it was; of what is gone, that it is removed."""
        known, before = self._known, places(self._known, found)
        new = before < 0
        same = np.zeros(len(new), np.bool_)
        same[~new] = known.holds[before[~new]] == found.holds[~new]
        fresh = found.take(np.where(new, found.holds | self._restored, ~same))
        gone = known.take((places(found, known) < 0) & known.holds & (known.day * DAY >= since))
        gone = gone._replace(holds=np.zeros(len(gone.user), np.bool_))
        late = known.take((places(found, known) < 0) & (known.day * DAY < since))
        self._known = ordered(joined(found, late))
        self._unwritten = latest(joined(self._unwritten, joined(fresh, gone)))

    def _note_bought(self, statements: Sequence[Conversion], claims: _Claims, people: _People) -> None:
        """The conversions of people on lists; who bought before is told by the conversions themselves."""
        names, denying = self._members.names, self._denying(people)
        lists = dict[int, set[str]]()
        for user, audience, holds in zip(
            *(c.tolist() for c in (claims.user, claims.audience, claims.holds)), strict=True
        ):
            if holds and names[audience] != BOUGHT_BEFORE:
                lists.setdefault(user, set()).add(names[audience])
        every = {(s.goal, shown(s.order_id), name): s for s in statements for name in lists.get(s.user, ())}
        found = {key: s.user for key, s in every.items() if _counts(s) and s.user not in denying}
        if self._restored:
            self._unwritten_bought |= {key: (s.user, False) for key, s in every.items() if key not in found}
        gone = {key: (user, False) for key, user in self._bought.items() if found.get(key) != user}
        new = {key: (user, True) for key, user in found.items() if self._bought.get(key) != user}
        known = {(s.goal, shown(s.order_id)) for s in statements}
        kept = {key: user for key, user in self._bought.items() if key[:2] not in known}
        self._unwritten_bought |= {key: row for key, row in gone.items() if key not in kept} | new
        self._bought = kept | found

    def _denying(self, people: _People) -> set[int]:
        """The persons who deny advertising now."""
        words, at = self._state.consents.of(people.token)
        who, person = np.unique(people.person[at], return_inverse=True)
        lines = self._state.consents.lines(words, person)
        return set(who[lines.denied(np.arange(len(who)), np.full(len(who), END_OF_TIME))].tolist())

    def means(self) -> I64:
        """The codes of the means that what was counted last names."""
        return np.unique(np.append(self._known.means, self._unwritten.means))

    @property
    def nbytes(self) -> int:
        """Bytes of the lists and of what was counted last."""
        return sum(
            part.nbytes for part in (*self._known, *self._unwritten, self._members.token, self._members.audience)
        )

    def changes(self, version: int) -> dict[str, Columns]:
        """Rows for what changed since the last call."""
        rows, self._unwritten = self._unwritten, NONE
        bought, self._unwritten_bought = self._unwritten_bought, {}
        written = dict[str, Columns]()
        if len(rows.user):
            words = self._state.kinds.means.words
            written["engagement_audience"] = {
                "day": rows.day,
                "campaign": coded([campaign for campaign, _ in words], rows.means),
                "network": coded([network for _, network in words], rows.means),
                "audience": coded(self._members.names, rows.audience),
                "user": rows.user,
                **_gone(~rows.holds, version),
            }
        if bought:
            goal, order, audience = map(list, zip(*bought, strict=True))
            written["conversion_audience"] = {
                "goal": goal,
                "conversion_id": order,
                "audience": audience,
                "user": np.array([user for user, _ in bought.values()], np.uint64),
                **_gone(np.array([not holds for _, holds in bought.values()]), version),
            }
        return written


def _counts(statement: Conversion) -> bool:
    return bool(statement.counted and statement.user and statement.reason != "no_consent")


def _gone(removed: Mask, version: int) -> Columns:
    return {"removed": removed.astype(np.int64), "version": np.full(len(removed), version, np.uint64)}


def _of_each(claims: _Claims) -> _Claims:
    """One claim a user and audience, by user: the earliest that holds, else any."""
    order = np.lexsort((claims.since, ~claims.holds, claims.audience, claims.user))
    claims = claims.take(order)
    again = (claims.user[1:] == claims.user[:-1]) & (claims.audience[1:] == claims.audience[:-1])
    first = ~np.append(False, again)[: len(claims.user)]
    return claims.take(first)
