"""`maalstrom report`: what a leader reads, from a database that a replay filled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.clickhouse import connect
from tests.e2e.commands import Done, Month, embedded, maalstrom, ok


@pytest.fixture(scope="module")
def reported(month: Month, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Done]:
    """The DSN of a database that holds the month, and the replay that filled it."""
    dsn = embedded(tmp_path_factory.mktemp("reported") / "clickhouse")
    return dsn, ok(maalstrom("replay", *month.arguments, "--clickhouse", dsn))


def test_it_prints_what_the_replay_printed(reported: tuple[str, Done], tmp_path: Path) -> None:
    dsn, replay = reported
    done = ok(maalstrom("report", env={"MAALSTROM_CLICKHOUSE": dsn}))
    assert done.out == replay.out
    assert "credited by last_click" in " ".join(done.out.split())


def test_one_goal_as_another_model_credits_it(reported: tuple[str, Done]) -> None:
    dsn, _ = reported
    done = ok(maalstrom("report", "--clickhouse", dsn, "--goal", "enquiries", "--model", "shapley"))
    assert "credited by shapley" in " ".join(done.out.split())
    assert "1 500 orders" not in done.out
    assert not done.err
    with connect(dsn) as client:
        (row,) = client.query(
            "SELECT toInt64(sum(conversions)) AS reached, toFloat64(sum(value)) AS value FROM goal_attribution_now "
            "WHERE goal = 'enquiries' AND model = 'shapley'"
        )
    assert re.search(rf"^ Enquiries moved .*{row['reached']} +400 +2026-10-31 ", done.out, re.MULTILINE)
    last = [line for line in done.out.splitlines() if line.strip().startswith("All")][-1]
    assert last.split()[1:] == [f"{row['reached']}.00", "100.0", "%", f"{row['value']:.2f}", "NOK"]


def test_markov_credits_every_conversion_that_others_do(reported: tuple[str, Done]) -> None:
    dsn, replay = reported
    done = ok(maalstrom("report", "--clickhouse", dsn, "--model", "markov"))
    sums = ("Attributed", "All", "Unattributed")
    markov, last_click = (
        [float(line.split(" %")[0].split()[-2]) for line in text.splitlines() if line.strip().startswith(sums)]
        for text in (done.out, replay.out)
    )
    assert markov == last_click
    with connect(dsn) as client:
        effects = client.query("SELECT campaign, removal_effect AS e FROM removal_effects_now WHERE goal = 'orders'")
    assert effects
    assert all(0 <= row["e"] <= 1 for row in effects)


def test_an_unknown_goal_lists_what_there_is(reported: tuple[str, Done]) -> None:
    done = maalstrom("report", "--clickhouse", reported[0], "--goal", "order")
    said = 'Error: there is no goal "order"; choose one of: orders, new-customers, enquiries\n'
    assert (done.status, done.out, done.err) == (1, "", said)


def test_an_unknown_model_is_wrong_usage(tmp_path: Path) -> None:
    done = maalstrom("report", "--model", "psychic", cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "'psychic' is not one of 'first', 'last', 'last_click', 'linear'" in done.err


def test_an_empty_database_says_what_to_do(tmp_path: Path) -> None:
    done = ok(maalstrom("report", cwd=tmp_path))
    assert list(tmp_path.iterdir()) == [], "it only reads"
    said = " ".join(done.out.split())
    assert said.startswith("Nothing to report: the database at ")
    assert said.endswith("Run `maalstrom replay` on files of events, or start `maalstrom worker`.")
