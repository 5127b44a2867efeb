"""An index against a plain list of rows: in memory, and with every run in a file; and what it reads of those."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from streams.core.columns.index import Index
from streams.core.columns.message_ids import UUID, Keys
from streams.core.columns.run import EPOCH_BITS, KeyedRows, Run
from streams.core.columns.stored.keeper import IN_MEMORY
from streams.worker.state_files import StateFiles, StateRoom
from tests.unit.core.columns.test_run import START, Row, rows, touches

SECOND_EPOCH = START + (1 << EPOCH_BITS)
HASH = st.integers(0, 4) | st.integers(2**64 - 3, 2**64 - 1)
BATCH = st.lists(
    st.tuples(
        *(HASH, st.integers(START, START + 9) | st.integers(SECOND_EPOCH, SECOND_EPOCH + 9), st.integers(0, 3)),
        *(st.integers(0, 3), HASH | st.integers(0, 2**64 - 1), st.integers(0, 2)),
    ),
    max_size=12,
)


class IndexMachine(RuleBasedStateMachine):
    """Batches, expiry and erasures in any order; all that an index says is what a list of rows says."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.known: list[Row] = []
        self.index = Index()

    @initialize(filed=st.booleans(), part=st.integers(1, 20), least=st.integers(1, 4))
    def begin(self, filed: bool, part: int, least: int) -> None:
        keeper = StateFiles(StateRoom(Path(self.folder.name), 0, least)) if filed else IN_MEMORY
        self.filed, self.index = filed, Index(keeper, part)

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(batch=BATCH)
    def add(self, batch: list[Row]) -> None:
        accepted, seen = [], {row[3:5] for row in self.known}
        for row in batch:
            accepted.append(row[3:5] not in seen)
            seen.add(row[3:5])
        assert self.index.add(touches(batch)).tolist() == accepted
        self.known += [row for row, new in zip(batch, accepted, strict=True) if new]

    @rule()
    def move(self) -> None:
        while self.filed and self.index.runs.largest and self.index.runs.move():
            pass

    @rule(before=st.integers(START, START + 12) | st.integers(SECOND_EPOCH, SECOND_EPOCH + 12))
    def expire(self, before: int) -> None:
        self.index.expire(before)
        left = rows(self.index.rows())
        assert {row for row in self.known if row[1] >= before} <= set(left) <= set(self.known)
        self.known = left

    @rule(before=st.integers(START, START + 12), kind=st.integers(0, 3))
    def discard(self, before: int, kind: int) -> None:
        gone = rows(self.index.discard(before, lambda rows: (rows.kind == kind) & (rows.user < 4)))
        assert all(row[1] < before and row[2] == kind and row[0] < 4 for row in gone)
        assert sorted([*gone, *rows(self.index.rows())]) == sorted(self.known)
        self.known = rows(self.index.rows())

    @rule(before=st.integers(START, START + 12), user=HASH)
    def forget(self, before: int, user: int) -> None:
        gone = rows(self.index.discard(before, lambda old: old.user == np.uint64(user)))
        assert all(row[0] == user and row[1] < before for row in gone)
        assert sorted([*gone, *rows(self.index.rows())]) == sorted(self.known)
        self.known = rows(self.index.rows())

    @rule(token=HASH.filter(bool))
    def anonymise(self, token: int) -> None:
        assert self.index.anonymise(token) is any(row[0] == token for row in self.known)
        self.known = [(0 if row[0] == token else row[0], *row[1:]) for row in self.known]

    @invariant()
    def it_says_what_the_list_says(self) -> None:
        assert len(self.index) == len(self.known)
        assert sorted(rows(self.index.rows())) == sorted(self.known)
        assert self.index.users().tolist() == sorted({row[0] for row in self.known})
        assert set(self.index.kinds().tolist()) == {row[2] for row in self.known}
        assert self.index.holds(touches(self.known).keys).all()

    @invariant()
    def rows_are_found_by_user(self) -> None:
        asked = sorted({row[0] for row in self.known} | {7})
        asked = [user for user in asked if user]  # nobody is asked for
        found, owner = self.index.of_users(np.array(asked, np.uint64))
        assert sorted(rows(found)) == sorted(row for row in self.known if row[0])
        assert [asked[at] for at in owner.tolist()] == found.user.tolist()
        by_user = rows(self.index.by_user(0, 3)) + rows(self.index.by_user(4, 2**64 - 1))
        assert sorted(by_user) == sorted(self.known)
        assert [row[0] for row in by_user] == sorted(row[0] for row in self.known)


TestIndex = IndexMachine.TestCase


def many(start: int, number: int, user: int = 0) -> KeyedRows:
    """Rows with keys as good as random; each of a user of its own, or of one."""
    rng = np.random.default_rng(start)
    high, low, users = (rng.integers(1, 2**64, number, dtype=np.uint64) for _ in range(3))
    keys = Keys(high, low, np.full(number, UUID, np.uint8))
    time = START + start + np.arange(number)
    whose = np.full(number, user, np.uint64) if user else users
    return KeyedRows(whose, time, np.zeros(number, np.uint32), keys)


def filed(files: StateFiles, number: int) -> Index:
    """An index of so many rows, all in files."""
    index = Index(files, part=1_000)
    index.add(many(0, number))
    while index.runs.largest and index.runs.move():
        index.runs.work(number)
    return index


def test_what_is_in_files_takes_few_bytes_of_memory(tmp_path: Path) -> None:
    index = filed(StateFiles(StateRoom(tmp_path, 0, 1)), 10_000)
    assert index.runs.disk >= 26 * 10_000
    assert index.nbytes < 10_000 * 5
    assert list(tmp_path.iterdir()) == []  # files have no names


class Watched(StateFiles):
    """Files that count how often one was read from one end to the other."""

    reads = 0

    def whole(self, run: Run, reading: bool) -> None:
        super().whole(run, reading)
        self.reads += reading


def test_a_run_is_not_read_to_expire_it_whole_or_not_at_all(tmp_path: Path) -> None:
    files = Watched(StateRoom(tmp_path, 0, 1))
    index = filed(files, 5_000)
    files.reads = 0
    assert len(index.expire(START).low) == 0
    assert (len(index), index.oldest, index.newest) == (5_000, START, START + 4_999)
    assert len(index.expire(START + 5_000).low) == 0
    assert (len(index), files.reads) == (0, 0)


def test_large_runs_merge_in_files_while_more_comes(tmp_path: Path) -> None:
    index = Index(StateFiles(StateRoom(tmp_path, 0, 500)), part=200)
    for at in range(64):
        assert index.add(many(1_000 * at, 500)).all()
        while index.runs.largest and index.runs.move():
            pass
        assert not index.add(many(1_000 * (at // 2), 500)).any()
    assert len(index) == 32_000
    assert len(index.runs.held) < 20
    assert index.runs.memory < 32_000 * 8 < index.runs.disk
