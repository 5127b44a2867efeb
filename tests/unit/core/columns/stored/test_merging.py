"""Merged runs, in memory and in files, are the run of all their rows, whatever the parts it is done in."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from streams.core.columns.arrays import Mask
from streams.core.columns.run import rows_of, rows_of_users
from streams.core.columns.stored.held import Held, in_memory
from streams.core.columns.stored.keeper import MemoryPlace, Place
from streams.core.columns.stored.merging import Merge, size_of
from streams.worker.state_files import StateFiles, StateRoom
from tests.unit.core.columns.test_run import ROW, START, Row, rows, run

PARTS = st.lists(st.lists(ROW, min_size=1), min_size=1, max_size=4)


def merged(parts: list[Held], folder: Path | None, part: int, past: Mask | None = None) -> Merge:
    size = size_of(parts)
    place: Place | None = StateFiles(StateRoom(folder, 0)).file(size) if folder else MemoryPlace(size)
    assert place is not None
    merge = Merge(parts, place, past, part)
    merge.finish()
    return merge


@pytest.mark.parametrize("filed", [False, True])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=PARTS, part=st.integers(1, 9))
def test_it_is_the_run_of_all_rows(parts: list[list[Row]], part: int, filed: bool, tmp_path: Path) -> None:
    whole = merged([in_memory(run(each)) for each in parts], tmp_path if filed else None, part).made
    assert whole is not None
    assert (whole.about is not None) is filed
    every = [row for each in parts for row in each]
    assert sorted(rows(rows_of(whole.run))) == sorted(every)
    assert whole.run.low.tolist() == sorted(whole.run.low.tolist())
    users = np.array(sorted({user for user, *_ in every} | {9}), np.uint64)
    found, owner = rows_of_users(whole.run, users)
    assert sorted(rows(found)) == sorted(every)
    assert users[owner].tolist() == found.user.tolist()
    assert (whole.oldest, whole.newest) == (min(row[1] for row in every), max(row[1] for row in every))
    assert sorted({int(kind) for kind in whole.kinds()}) == sorted({row[2] for row in every})
    if whole.about:
        assert whole.about.texts is any(row[5] == 2 for row in every)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=PARTS, part=st.integers(1, 9), before=st.integers(0, 10), kind=st.integers(0, 3))
def test_rows_that_are_past_are_left_out_and_given_back(
    parts: list[list[Row]], part: int, before: int, kind: int, tmp_path: Path
) -> None:
    held = [in_memory(run(each)) for each in parts]
    old = [
        each.narrowed(each.before(START + before), lambda rows: (rows.kind == kind) & (rows.user != 3), part)
        for each in held
    ]
    merge = merged(held, tmp_path, part, np.concatenate(old))
    every = [row for each in parts for row in each]
    past = [row for row in every if row[1] < START + before and row[2] == kind and row[0] != 3]
    assert sorted(row for gone in merge.gone for row in rows(gone)) == sorted(past)
    assert merge.left == len(every) - len(past)
    left = rows(merge.made.all_rows()) if merge.made else []
    assert sorted(left) == sorted(set(every) - set(past)) if len(set(every)) == len(every) else len(left) == merge.left


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=PARTS, part=st.integers(1, 9), nobody=st.integers(0, 4), later=st.integers(0, 4), steps=st.integers(0, 5))
def test_who_became_nobody_before_or_meanwhile_stays_nobody(
    parts: list[list[Row]], part: int, nobody: int, later: int, steps: int, tmp_path: Path
) -> None:
    held = [in_memory(run(each)) for each in parts]
    for each in held:
        each.nobodies = np.array([nobody], np.uint64)
    place = StateFiles(StateRoom(tmp_path, 0)).file(size_of(held))
    assert place is not None
    merge = Merge(held, place, None, part)
    assume(not any(merge.step() for _ in range(steps)))
    for each in held:
        each.nobodies = np.unique(np.array([nobody, later], np.uint64))
    made = merge.finish()
    assert made is not None
    expected = [(0 if row[0] in {nobody, later} else row[0], *row[1:]) for each in parts for row in each]
    assert sorted(rows(made.all_rows())) == sorted(expected)
    assert sorted(rows(made.by_user(0, 2**64 - 1))) == sorted(expected)
    assert made.users().tolist() == sorted({row[0] for row in expected})
