"""`maalstrom holdout`: another process gives the same answer, and none without the key."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.main import main
from streams.core.lift.holdout import Holdouts
from tests.e2e.commands import maalstrom, ok
from tests.unit.core.lift.test_holdout import CATALOGUE, KEY

TEXT = """base_currency = "NOK"
goal = [{ id = "g", event = "E" }]
campaign = [{ id = "autumn" }, { id = "paper" }]
holdout = [
  { campaign = "autumn", share = 0.5, salt = "first" },
  { campaign = "PAPER", share = 0.5, salt = "second" },
]
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "catalogue.toml").write_text(TEXT, "utf-8")
    return {"MAALSTROM_CATALOGUE": str(tmp_path / "catalogue.toml"), "MAALSTROM_TOKEN_KEY": KEY.decode()}


def test_another_process_says_what_a_site_is_told(env: dict[str, str]) -> None:
    assert ok(maalstrom("holdout", "bo", env=env)).out == "autumn\tshow\npaper\thold\n"
    assert Holdouts(CATALOGUE, KEY).of("bo") == {"paper"}


@pytest.mark.parametrize("key", ["", "short"])
def test_a_key_made_up_would_be_another_answer_each_time(env: dict[str, str], key: str) -> None:
    done = CliRunner().invoke(main, ["holdout", "bo"], env={**env, "MAALSTROM_TOKEN_KEY": key})
    assert done.exit_code == 1
    assert "set it to a secret of at least 16 characters" in done.stderr
