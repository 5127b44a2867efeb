"""Runs: how keyed rows are stored, as immutable arrays sorted by key, with the rows of each user listed beside."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.arrays import I64, U32, U64, Mask
from streams.core.columns.message_ids import Keys

EPOCH_BITS = 32  # bits of the time, in ms, that a row keeps; the rest is its run's
FORM_BITS = np.uint32(2)
FORM = np.uint32(3)


class KeyedRows(NamedTuple):
    """Rows that are held once a key, as columns: `user` hash (0 = nobody), `time` in ms, `kind` (a code below 2**30).

    KeyedRows are kept so, and what else people say once: words of consent, identity messages, and links between tokens
    (which are `Links` where their fields are read)."""

    user: U64
    time: I64
    kind: U32
    keys: Keys

    def take(self, at: I64 | Mask | slice) -> "KeyedRows":
        return KeyedRows(self.user[at], self.time[at], self.kind[at], self.keys.take(at))


def anonymised(rows: KeyedRows, token: int) -> KeyedRows:
    """Rows with those of a token (a hash) belonging to nobody."""
    return rows._replace(user=anonymised_users(rows.user, np.array([token], np.uint64)))


def anonymised_users(users: U64, tokens: U64) -> U64:
    """Users, with nobody (0) in place of those tokens (hashes)."""
    return np.where(np.isin(users, tokens), np.uint64(0), users) if len(tokens) else users


class Run(NamedTuple):
    """One run: 26 bytes a row (28 beyond 16 383 kinds) and 12 a user. All its times share their upper bits, `epoch`."""

    epoch: int
    low: U64  # sorted
    high: U64
    time: U32  # the lower EPOCH_BITS
    kind: U32 | NDArray[np.uint16]  # with the form of the message key in the lower bits
    users: U64  # sorted, distinct
    starts: U32  # users[i] has the rows at rows[starts[i]:starts[i + 1]]
    rows: U32


def concatenated(parts: list[KeyedRows]) -> KeyedRows:
    """All rows of `parts`, one after the other; `parts` is not empty."""
    keys = (np.concatenate([part.keys[i] for part in parts]) for i in range(3))
    user, time, kind = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return KeyedRows(user, time, kind, Keys(*keys))


def none() -> KeyedRows:
    """No rows at all."""
    empty = np.zeros(0, np.uint64)
    keys = Keys(empty, empty, np.zeros(0, np.uint8))
    return KeyedRows(empty, np.zeros(0, np.int64), np.zeros(0, np.uint32), keys)


def sorted_run(batch: KeyedRows, epoch: int) -> Run:
    """A run of that batch, which is in the order of its keys and whose times all lie in `epoch`."""
    users, starts, rows = _by_user(batch.user, np.argsort(batch.user).astype(np.uint32))
    return _columns(batch, epoch, users, starts, rows)


def _by_user(user: U64, rows: U32) -> tuple[U64, U32, U32]:
    """`rows` lists the row numbers in the order of their user: the distinct users, and where each starts."""
    ordered = user[rows]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(rows) else rows
    return ordered[first], np.append(first, len(rows)).astype(np.uint32), rows


def _columns(batch: KeyedRows, epoch: int, users: U64, starts: U32, rows: U32) -> Run:
    kind = _narrow(batch.kind << FORM_BITS | batch.keys.form)
    time = (batch.time & ((1 << EPOCH_BITS) - 1)).astype(np.uint32)
    return Run(epoch, batch.keys.low, batch.keys.high, time, kind, users, starts, rows)


def _narrow(kind: U32) -> U32 | NDArray[np.uint16]:
    return kind.astype(np.uint16) if kind.max(initial=0) < 1 << 16 else kind


def times(run: Run) -> I64:
    """The whole times of its rows, in ms."""
    return run.time.astype(np.int64) | (run.epoch << EPOCH_BITS)


def kinds_of(run: Run) -> U32:
    """The kinds of its rows."""
    return np.asarray(run.kind >> FORM_BITS, np.uint32)


def rows_of(run: Run) -> KeyedRows:
    """The rows of a run as they were added, in the order of their keys."""
    user = np.empty(len(run.low), np.uint64)
    user[run.rows] = np.repeat(run.users, np.diff(run.starts))
    return KeyedRows(user, times(run), *_kind_and_keys(run, slice(None)))


def rows_by_user(run: Run, least: int, most: int) -> KeyedRows:
    """The rows of the users from `least` to `most`, in the order of their users."""
    low = int(np.searchsorted(run.users, np.uint64(least)))
    high = int(np.searchsorted(run.users, np.uint64(most), "right"))
    at = run.rows[run.starts[low] : run.starts[high]]
    return rows_at(run, at, np.repeat(run.users[low:high], np.diff(run.starts[low : high + 1])))


def rows_at(run: Run, at: U32, user: U64) -> KeyedRows:
    """The rows at those positions, which are of those users."""
    time = run.time[at].astype(np.int64) | (run.epoch << EPOCH_BITS)
    return KeyedRows(user, time, *_kind_and_keys(run, at))


def _kind_and_keys(run: Run, at: U32 | slice) -> tuple[U32, Keys]:
    packed = run.kind[at].astype(np.uint32)
    return packed >> FORM_BITS, Keys(run.high[at], run.low[at], (packed & FORM).astype(np.uint8))


def rows_of_users(run: Run, users: U64) -> tuple[KeyedRows, I64]:
    """The rows of those users (sorted, distinct) in `run`, and for each the user's position in `users`."""
    (known,) = _among(run.users, users, place := run.users.searchsorted(users)).nonzero()
    if not len(known):  # as mostly, in one of many runs
        return none(), known
    starts, ends = (run.starts[place[known] + i].astype(np.int64) for i in (0, 1))
    owner = np.repeat(known, ends - starts)
    return rows_at(run, run.rows[slices(starts, ends)], users[owner]), owner


def _among(there: U64, wanted: U64, place: I64) -> Mask:
    """Which of those wanted are there at their places, one of which may be the end."""
    if not len(there):
        return np.zeros(len(wanted), np.bool_)
    return np.asarray(there.take(place, mode="clip") == wanted)


def slices(starts: I64, ends: I64) -> I64:
    """The numbers of every range(start, end), one range after the other."""
    lengths = ends - starts
    offsets = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return offsets + np.arange(len(offsets))


def earliest(users: U64, time: I64) -> tuple[U64, I64]:
    """The distinct users, sorted, and the first of the times of each, in ms."""
    order = np.lexsort((time, users))
    first = np.flatnonzero(np.concatenate(([True], np.diff(users[order]) != 0))[: len(order)])
    return users[order][first], time[order][first]


def matches(left: I64, right: I64) -> tuple[I64, I64]:
    """The positions of every pair of equal numbers: one on the left, one on the right, which ascends."""
    starts, ends = (np.searchsorted(right, left, side) for side in ("left", "right"))
    return np.repeat(np.arange(len(left)), ends - starts), slices(starts, ends)


def contains(run: Run, low: U64, high: U64) -> Mask:
    """Which of those keys (sorted by `low`) the run has."""
    inside = _among(run.low, low, place := run.low.searchsorted(low))
    (other,) = (inside & ~_among(run.high, high, place)).nonzero()
    inside[other] = [_matches(run, i, h) for i, h in zip(place[other].tolist(), high[other].tolist(), strict=True)]
    return inside


def _matches(run: Run, place: int, high: int) -> bool:
    end = np.searchsorted(run.low, run.low[place], side="right")
    return bool((run.high[place:end] == high).any())


def key_order(keys: Keys) -> I64:
    """The order of the keys, those of one message as they came."""
    order = np.argsort(keys.low)
    low = keys.low[order]
    same = low[1:] == low[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    among = order[tied]
    order[tied] = among[np.lexsort((among, keys.high[among], keys.low[among]))]
    return order


def first_of_each(keys: Keys) -> Mask:
    """Which rows, in the order of their keys, are the first with theirs."""
    again = (keys.low[1:] == keys.low[:-1]) & (keys.high[1:] == keys.high[:-1])
    return ~np.concatenate(([False], again))[: len(keys.low)]
