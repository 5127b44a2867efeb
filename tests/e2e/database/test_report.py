"""`maalstrom report`: what a leader reads, from a database that a replay filled."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import Done, Month, embedded, maalstrom, ok
from tests.support.messages import NOON, order


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
    assert "1 500 orders –" not in done.out
    assert not done.err
    with connect(dsn) as client:
        (row,) = client.query(
            "SELECT toInt64(sum(conversions)) AS reached, toFloat64(sum(value)) AS value FROM goal_attribution_now "
            "WHERE goal = 'enquiries' AND model = 'shapley'"
        )
    assert re.search(rf"^ Enquiries moved .*{row['reached']} +400 +2026-10-31 ", done.out, re.MULTILINE)
    assert re.search(r" 2026-10-31 +(reached|missed) *$", done.out, re.MULTILINE)  # the deadline is past
    last = [line for line in done.out.splitlines() if line.strip().startswith("All")][-1]
    assert last.split()[1:] == [f"{row['reached']}.00", "100.0", "%", f"{row['value']:.2f}", "NOK"]


def test_markov_credits_every_conversion_that_others_do(reported: tuple[str, Done]) -> None:
    dsn, replay = reported
    done = ok(maalstrom("report", "--clickhouse", dsn, "--model", "markov"))
    sums = r" *(Attributed|Unattributed|All) .*\d %"
    markov, last_click = (
        [float(line.split(" %")[0].split()[-2]) for line in text.splitlines() if re.match(sums, line)]
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


def test_the_largest_orders_add_up(tmp_path: Path) -> None:
    largest = [order(f"m{n}", NOON, f"{n}", "999999999999.999999") for n in range(10)]
    (tmp_path / "catalogue.toml").write_text(
        'base_currency = "NOK"\n[[goal]]\nid = "revenue"\nevent = "Order Completed"\n', "utf-8"
    )
    (tmp_path / "checkout.ndjson").write_bytes(b"\n".join(largest))
    files = ("--checkout", tmp_path / "checkout.ndjson", "--catalogue", tmp_path / "catalogue.toml")
    dsn = embedded(tmp_path / "clickhouse")
    replay = ok(maalstrom("replay", *files, "--clickhouse", dsn))
    done = ok(maalstrom("report", "--clickhouse", dsn))
    for said in (replay.out, done.out):
        assert "10 000 000 000 000.00 NOK" in " ".join(said.split())
        assert "-" not in [line for line in said.splitlines() if line.strip().startswith("All")][-1]
    with connect(dsn) as client:
        sums = client.query("SELECT toString(sum(value)) AS v FROM goal_attribution_now GROUP BY model")
    assert {row["v"] for row in sums} == {"9999999999999.99999"}


def test_every_form_goes_to_a_pipe_as_it_is(reported: tuple[str, Done], tmp_path: Path) -> None:
    dsn, _ = reported
    found = json.loads(ok(maalstrom("report", "--clickhouse", dsn, "--format", "json", "--lang", "nb")).out)
    assert [goal["goal"] for goal in found["goals"]] == ["orders", "new-customers", "enquiries"]
    assert found["model_name"].startswith("Siste klikk")
    table = ok(
        maalstrom("report", "--clickhouse", dsn, "--format", "csv", "--goal", "orders", "--since", "2026-10-10")
    ).out
    assert table.startswith("table,goal,campaign,")
    page = ok(maalstrom("report", "--clickhouse", dsn, "--format", "html")).out
    assert page.startswith("<!doctype html>")
    assert page.endswith("</html>\n")


def test_days_that_cannot_be_are_wrong_usage(tmp_path: Path) -> None:
    backward = ("--since", "2026-10-02", "--until", "2026-10-01")
    for asked in (
        ("--since", "01.10.2026"),
        backward,
        ("--model", "markov", "--since", "2026-10-01"),
        ("--lang", "fr"),
    ):
        assert maalstrom("report", *asked, cwd=tmp_path).status == 2
