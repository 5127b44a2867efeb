"""What commands list, for programs and spreadsheets."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.forms import tell
from streams.cli.main import main

CATALOGUE = """base_currency = "NOK"
goal = [{ id = "g", event = "E" }]
campaign = [{ id = "autumn" }, { id = "=paper" }]
holdout = [{ campaign = "autumn", share = 0.5, salt = "a" }, { campaign = "=paper", share = 0.5, salt = "b" }]
link = [{ code = "poster", to = "https://shop.example/", campaign = "autumn" }]
"""
PLAN = ("plan", "--events-a-day", "1e8", "--users", "1e6")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE, "utf-8")
    return {
        "MAALSTROM_CATALOGUE": str(tmp_path / "catalogue.toml"),
        "MAALSTROM_TOKEN_KEY": "a secret of the tests",
        "COLLECT_PUBLIC_URL": "https://go.example",
    }


def said(env: dict[str, str], *arguments: str) -> list[str]:
    done = CliRunner().invoke(main, arguments, env=env)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def test_a_cell_is_one_line_and_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    tell("csv", ("a", "b", "c", "d"), [{"a": "=1+\n2", "b": None, "c": True, "d": -1}])
    assert capsys.readouterr().out == "a,b,c,d\n'=1+ 2,,true,-1\n"


@pytest.mark.parametrize("command", [PLAN, ("holdout", "bo"), ("links", "qr", "codes")])
def test_json_and_csv_have_the_same_rows(
    env: dict[str, str], command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    objects = [json.loads(line) for line in said(env, *command, "--format", "json")]
    rows = list(csv.DictReader(said(env, *command, "--format", "csv")))
    assert objects
    texts = [{name: str(value) for name, value in each.items()} for each in objects]
    assert [{name: value.removeprefix("'") for name, value in row.items()} for row in rows] == texts
    assert said(env, *command, "--json") == said(env, *command, "--format", "json")


def test_a_campaign_named_as_a_formula_is_none_in_a_spreadsheet(env: dict[str, str]) -> None:
    assert [line.partition(",")[0] for line in said(env, "holdout", "bo", "--format", "csv")] == [
        "campaign", "autumn", "'=paper",
    ]  # fmt: skip
