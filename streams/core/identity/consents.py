"""Consents: what people said of advertising, from when on, and what that makes of their touches.

A word is a row of `KeyedRows`: `user` is the hash of the token that said it, `time` (ms) when it begins to hold, `kind`
whether advertising is denied, `keys` its message. What holds follows from the set of words alone.
"""

from collections.abc import Callable, Sequence

import numpy as np

from streams.core.columns.arrays import I64, U64, Mask
from streams.core.columns.index import Index
from streams.core.columns.message_ids import MessageIds
from streams.core.columns.run import KeyedRows, none
from streams.core.door.canonical import ConsentWord
from streams.core.identity.owners import Resolve
from streams.core.identity.tokens import Tokens

ALLOWED, DENIED = 0, 1
Denials = Callable[[U64, I64], Mask]  # whether advertising is denied by canonical tokens at times (ms)


class Consents:
    """The words that one partition knows, of its own tokens and of those linked to them."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens, self._ids = tokens, MessageIds()
        self._words = Index()

    def __len__(self) -> int:
        return len(self._words)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self._words.nbytes if len(self) else 0

    def of_events(self, events: Sequence[ConsentWord]) -> tuple[KeyedRows, Mask]:
        """The words not known before, as rows, and which events those are."""
        messages = [event.message for event in events]
        tokens = self._tokens.hashes([message.token for message in messages])
        keys = self._ids.keys([message.message_id for message in messages], tokens)
        time = np.array([message.time for message in messages], np.int64)
        kind = np.array([event.denied for event in events], np.uint32)
        rows = KeyedRows(tokens, time, kind, keys)
        fresh = self._words.add(rows)
        return rows.take(fresh), fresh

    def add(self, words: KeyedRows) -> KeyedRows:
        """Take in words; those that are new."""
        return words.take(self._words.add(words))

    def of(self, tokens: U64) -> tuple[KeyedRows, I64]:
        """The words of those tokens (sorted, distinct), and for each the position of its token."""
        return self._words.of_users(tokens) if len(self._words) else (none(), np.zeros(0, np.int64))

    def texts_of(self, words: KeyedRows) -> list[tuple[int, int, str]]:
        """The texts of the words' long message ids, by key."""
        return self._ids.texts_of(words.keys)

    def restore(self, words: KeyedRows, texts: Sequence[tuple[int, int, str]]) -> KeyedRows:
        """Take in words of a segment, among whose texts are those of their long message ids; those that are new."""
        keys = set(zip(words.keys.high.tolist(), words.keys.low.tolist(), strict=True))
        self._ids.texts.update({(high, low): text for high, low, text in texts if (high, low) in keys})
        return self.add(words)

    def erase(self, token: int) -> bool:
        """Let the words of that token (a hash) be nobody's; whether it said any. Their messages stay known, so that a
        repetition says nothing new."""
        return self._words.anonymise(token)

    def renew(self, before: int) -> KeyedRows:
        """Forget the words that others had taken the place of before that time (ms), and nobody's before it; all that
        are left."""
        rows = self._words.rows()
        order = np.lexsort((rows.time, rows.user))
        rows = rows.take(order)
        replaced = np.append((rows.user[1:] == rows.user[:-1]) & (rows.time[1:] < before), False)
        rows = rows.take(~(replaced[: len(rows.user)] | ((rows.user == 0) & (rows.time < before))))
        self._words = Index()
        self._words.add(rows)
        return rows

    def denials(self, resolve: Resolve) -> Denials:
        """What everybody said; `resolve` knows who is who."""
        words = self._words.rows()
        words = words.take(words.user != 0)
        people, person = np.unique(resolve(words.user)[0], return_inverse=True)
        lines = self.lines(words, person)

        def denied(user: U64, time: I64) -> Mask:
            at = np.searchsorted(people, user)
            known = (at < len(people)) & (people.take(at, mode="clip") == user) if len(people) else at < 0
            return np.asarray(known & lines.denied(np.where(known, at, 0), time))

        return denied

    def lines(self, words: KeyedRows, person: I64) -> "ConsentLines":
        """What holds when for people, of whom those are the words: `person` has the number of each word's."""
        return ConsentLines(words, person, self._ids.text)


class ConsentLines:
    """For each of some people, in the order of time, what holds from when on."""

    def __init__(self, words: KeyedRows, person: I64, text_of: Callable[[int, int, int, int], str]) -> None:
        order = self._order(words, person, text_of)
        self._person, self._time, self._denied = person[order], words.time[order], words.kind[order] == DENIED

    @staticmethod
    def _order(words: KeyedRows, person: I64, text_of: Callable[[int, int, int, int], str]) -> list[int]:
        """By person and time; of two at one time the one with the larger message id is later, of one id what denies."""

        def key(i: int) -> tuple[int, int, str, int]:
            text = text_of(*(int(each[i]) for each in (*words.keys, words.user)))
            return int(person[i]), int(words.time[i]), text, int(words.kind[i])

        return sorted(range(len(person)), key=key)

    def __len__(self) -> int:
        return len(self._person)

    def denied(self, person: I64, time: I64) -> Mask:
        """Whether advertising is denied by those people at those times (ms)."""
        if not len(self._person):
            return np.zeros(len(person), np.bool_)
        # (person, time) as one number, exact: a time counts by its rank among the words'.
        ranks = np.unique(self._time)
        span = len(ranks) + 1
        known = self._person * span + np.searchsorted(ranks, self._time)
        asked = person * span + np.searchsorted(ranks, time, side="right") - 1
        at = np.searchsorted(known, asked, side="right") - 1
        theirs = (at >= 0) & (self._person[at] == person)
        return np.asarray(theirs & self._denied[at])
