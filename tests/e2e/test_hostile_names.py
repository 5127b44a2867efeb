"""Campaigns with names that somebody chose to do harm: every command that prints shows them as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import Done, embedded, maalstrom, ok

NAMES = (
    "\x1b]0;title\x07\x1b[31mred", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "a\u202eevil", "x" * 5000,
    "c1\x9b31mred", "nul\x00l", "\u2066iso\u2069", "ls\u2028ps\u2029",
)  # fmt: skip
UNSEEN = {"\x1b", "\x07", "\x00", "\x9b", "\u202e", "\u2066", "\u2069", "\u2028", "\u2029"}
CATALOGUE = """
base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
name = "Orders \\u001b[31m"
[[campaign]]
id = "idle"
name = "Idle \\u001b[2J"
"""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Done]:
    """The DSN of a database with an order for each name, and the replay that filled it."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "catalogue.toml").write_text(CATALOGUE)
    engagement = (_touch(number, name) for number, name in enumerate(NAMES))
    (folder / "engagement.ndjson").write_text("\n".join(map(json.dumps, engagement)))
    (folder / "checkout.ndjson").write_text("\n".join(json.dumps(_order(number)) for number in range(len(NAMES))))
    files = ("--engagement", folder / "engagement.ndjson", "--checkout", folder / "checkout.ndjson")
    dsn = embedded(folder / "clickhouse")
    return dsn, ok(maalstrom("replay", *files, "--catalogue", folder / "catalogue.toml", "--clickhouse", dsn))


def _touch(number: int, name: str) -> dict[str, object]:
    return _event(number, "Social Interaction", 2, {"action": "click", "network": "facebook"}) | {
        "context": {"campaign": {"name": name}}
    }


def _order(number: int) -> dict[str, object]:
    return _event(number, "Order Completed", 3, {"order_id": str(number), "revenue": "100.00"})


def _event(number: int, name: str, day: int, properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "track",
        "event": name,
        "messageId": f"{name[0]}{number}",
        "timestamp": f"2026-11-0{day}T09:00:00Z",
        "userId": f"u{number}",
        "properties": properties,
    }


def harmless(text: str) -> bool:
    return not (UNSEEN | {"\r"}) & set(text)


def test_replay_and_report_print_names_as_text(replayed: tuple[str, Done]) -> None:
    dsn, done = replayed
    report = ok(maalstrom("report", "--clickhouse", dsn))
    for text in (done.out, done.err, report.out, report.err):
        assert harmless(text)
    assert "]0;title[31mred" in "".join(report.out.split())
    assert "aevil" in report.out
    assert len(report.out) < 10_000  # one name does not make it unreadable


@pytest.mark.parametrize("form", ["json", "csv", "html"])
def test_a_report_in_any_form_has_names_as_text(form: str, replayed: tuple[str, Done]) -> None:
    done = ok(maalstrom("report", "--clickhouse", replayed[0], "--format", form))
    assert "evil" in done.out
    assert not UNSEEN & set(done.out)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_what_each_record_is_and_a_replay_as_data_have_names_as_text(
    more: tuple[str, ...], replayed: tuple[str, Done], tmp_path: Path
) -> None:
    folder = Path(replayed[0].removeprefix("chdb://")).parent
    named = [json.dumps(_event(n, name, 3, {name: name}) | {"userId": name}) for n, name in enumerate(NAMES)]
    (tmp_path / "named.ndjson").write_text("\n".join([*named, *(json.dumps({"type": name}) for name in NAMES)]))
    files: tuple[str | Path, ...] = (
        "--events",
        tmp_path / "named.ndjson",
        "--engagement",
        folder / "engagement.ndjson",
    )
    options: tuple[str | Path, ...] = (
        "--catalogue",
        folder / "catalogue.toml",
        "--clickhouse",
        embedded(tmp_path / "db"),
        *more,
    )
    explained = maalstrom("explain", tmp_path / "named.ndjson", "--catalogue", folder / "catalogue.toml")
    for done in (maalstrom("replay", *files, *options), explained):
        assert "evil" in done.out + done.err
        assert harmless(done.out + done.err)


def test_tables_keep_what_was_written(replayed: tuple[str, Done]) -> None:
    with connect(replayed[0]) as client:
        (row,) = client.query("SELECT name FROM campaigns FINAL WHERE id = 'idle'")
    assert row["name"] == "Idle \x1b[2J"


def test_a_refused_cost_and_an_error_print_names_as_text(replayed: tuple[str, Done], tmp_path: Path) -> None:
    dsn, _ = replayed
    (tmp_path / "costs.csv").write_text(
        "campaign,day,kind,amount,currency,id\n"
        "\x1b[31mred,2026-11-01,money,1.00,NOK,1\n"
        "autumn,2026-11-01,\x1b[31m\u202ebarter [/b],1.00,NOK,2\n"
    )
    done = maalstrom("costs", "import", tmp_path / "costs.csv", "--clickhouse", dsn)
    assert done.status == 1
    assert "barter" in done.err
    assert harmless(done.out + done.err)
    missing = maalstrom("report", "--clickhouse", dsn, "--goal", "\x1b[31mnone")
    assert missing.status == 1
    assert harmless(missing.out + missing.err)
