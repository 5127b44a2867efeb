"""Aggregates: absolute rows, of the hour in which they were reported."""

from typing import Any

import numpy as np

from streams.core.columns.column import row_count
from streams.core.columns.dictionary import coded
from streams.core.journeys.kinds import TouchKind, TouchKinds
from streams.core.rows.aggregates import REPLAYED, Aggregates
from streams.core.rows.tables import TABLES
from tests.support.messages import DAY, HOUR, NOON
from tests.support.statements import statement
from tests.support.tables import rows, values

MINUTE = 60_000
NOW = NOON // HOUR + 5  # an hour


def aggregates(origin: str = "live") -> Aggregates:
    kinds = TouchKinds()
    kinds.codes([TouchKind("a", "x", "click"), TouchKind("b", "x", "view"), TouchKind("", "y", "unlike")])
    return Aggregates(kinds, origin, partition=7)


def engaged(some: Aggregates, hour: int, *events: tuple[int, int]) -> None:
    time, kind = np.array(events, np.int64).reshape(-1, 2).T
    some.engaged(hour, time, kind.astype(np.uint32))


def counts(some: Aggregates, version: int = 1) -> list[tuple[Any, ...]]:
    found = rows(some.changes(version).get("engagement_counts", {}))
    names = ("reported_at", "window_start", "campaign", "network", "action", "events", "version")
    return sorted(tuple(row[name] for name in names) for row in found)


def conversions(some: Aggregates, model: str = "last") -> dict[tuple[int, str], int]:
    """Millionths of conversions by (hour of the report, campaign)."""
    found = rows(some.changes(1).get("goal_attribution", {}))
    return {(r["reported_at"] // 3600, r["campaign"]): r["conversions"] for r in found if r["model"] == model}


def test_events_are_counted_by_minute_and_kind() -> None:
    some = aggregates()
    engaged(some, NOW, (NOON, 0), (NOON + 59_999, 0), (NOON + MINUTE, 0), (NOON, 1), (NOON, 2))
    at, hour = NOON // 1000, NOW * 3600
    assert counts(some) == [
        (hour, at, "", "y", "unlike", 1, 1),
        (hour, at, "a", "x", "click", 2, 1),
        (hour, at, "b", "x", "view", 1, 1),
        (hour, at + 60, "a", "x", "click", 1, 1),
    ]


def test_only_what_changed_is_given_again_with_its_whole_sum() -> None:
    some = aggregates()
    engaged(some, NOW, (NOON, 0), (NOON, 1))
    assert len(counts(some)) == 2
    assert counts(some) == []
    engaged(some, NOW, (NOON, 0))
    assert counts(some, version=9) == [(NOW * 3600, NOON // 1000, "a", "x", "click", 2, 9)]


def test_a_new_hour_starts_from_nothing() -> None:
    some = aggregates()
    engaged(some, NOW, (NOON, 0))
    counts(some)
    engaged(some, NOW + 1, (NOON, 0))
    assert counts(some) == [((NOW + 1) * 3600, NOON // 1000, "a", "x", "click", 1, 1)]


def test_an_hour_that_ended_since_the_last_rows_is_given_too() -> None:
    some = aggregates()
    engaged(some, NOW, (NOON, 0))
    engaged(some, NOW + 1, (NOON, 0))
    assert [row[0] for row in counts(some)] == [NOW * 3600, (NOW + 1) * 3600]


def test_a_restatement_moves_figures_in_the_hour_of_the_restatement() -> None:
    some, before, after = aggregates(), statement(0), statement(0, 1)
    some.stated(NOW, [(before, None)])
    assert conversions(some) == {(NOW, "a"): 1_000_000}
    some.stated(NOW + 1, [(after, before)])
    assert conversions(some) == {(NOW + 1, "a"): -1_000_000, (NOW + 1, "b"): 1_000_000}


def test_a_restatement_in_the_same_hour_leaves_zeros_that_are_written() -> None:
    some, before, after = aggregates(), statement(0), statement(1)
    some.stated(NOW, [(before, None)])
    conversions(some)
    some.stated(NOW, [(after, before)])
    assert conversions(some) == {(NOW, "a"): 0, (NOW, "b"): 1_000_000}


def restated(some: Aggregates, model: str = "last") -> dict[tuple[str, str], list[int]]:
    """Differences of conversions and value by (campaign, cause)."""
    found = rows(some.changes(1).get("goal_restatements", {}))
    return {(r["campaign"], r["cause"]): [r["conversions"], r["value"]] for r in found if r["model"] == model}


def test_a_restatement_says_by_cause_what_it_moved_and_a_first_statement_nothing() -> None:
    some, before = aggregates(), statement(0)
    moved, taken = statement(1, cause="late_touch"), statement(1, remaining=0, status="reversed", cause="reversal")
    some.stated(NOW, [(before, None)])
    assert restated(some) == {}
    some.stated(NOW, [(moved, before)])
    some.stated(NOW, [(taken, moved)])
    whole = [1_000_000, 1_000_000]
    assert restated(some) == {
        ("a", "late_touch"): [-1_000_000, -1_000_000],
        ("b", "late_touch"): whole,
        ("b", "reversal"): [-1_000_000, -1_000_000],
    }


def test_of_a_restatement_that_says_no_cause_no_difference_is_known() -> None:
    """It is from a journal that was written before causes were."""
    some = aggregates()
    some.stated(NOW, [(statement(1), statement(0))])
    assert restated(some) == {}


def test_a_replay_reports_every_minute_in_its_own_hour() -> None:
    some = aggregates("replay")
    engaged(some, REPLAYED, (NOON, 0), (NOON + DAY, 0))
    some.stated(REPLAYED, [(statement(0), None), (statement(1, time=NOON + DAY), None)])
    changes = some.changes(1)
    for table in ("goal_attribution", "engagement_counts"):
        found = rows(changes[table])
        assert {(row["window_start"] - row["reported_at"], row["origin"]) for row in found} == {(0, "replay")}
        assert {row["window_start"] for row in found} == {NOON // 1000, (NOON + DAY) // 1000}


def test_rows_have_the_columns_of_their_tables() -> None:
    some = aggregates()
    engaged(some, NOW, (NOON, 0))
    some.stated(NOW, [(statement(0), None), (statement(reason="no_touch", cause="reversal"), statement(0))])
    for table, columns in some.changes(1).items():
        assert set(columns) == set(TABLES[table].columns)
        assert row_count(columns) > 0


def test_the_unattributed_have_neither_campaign_nor_network() -> None:
    some = aggregates()
    some.stated(NOW, [(statement(reason="no_touch"), None)])
    found = rows(some.changes(1)["goal_attribution"])
    assert {(row["campaign"], row["network"], row["reason"]) for row in found} == {("", "", "no_touch")}
    assert {(row["partition"], row["origin"], row["currency"], row["customer"]) for row in found} == {
        (7, "live", "NOK", "new")
    }


def test_nothing_reported_is_no_rows() -> None:
    assert aggregates().changes(1) == {}


def test_coded_words_are_stored_once() -> None:
    column = coded(["x", "y", "x"], np.array([2, 1, 0, 0]))
    assert values(column) == ["x", "y", "x", "x"]
    assert list(column.words) == ["x", "y"]
