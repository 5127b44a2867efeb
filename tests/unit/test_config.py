import os
import stat
from pathlib import Path

import pytest

from streams import config
from streams.core.catalogue import parse

SHORT = """base_currency = "NOK"
[[goal]]
id = "orders"
name = "Orders"
event = "Order Completed"
unit = "orders"
value = "revenue"
windows = { click = "30d" }
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("MAALSTROM_", "BROKER_URL", "WEB_")):
            monkeypatch.delenv(name)


def test_defaults_stay_on_this_machine() -> None:
    chosen = config.settings()
    assert (chosen.bootstrap, chosen.web_bind, chosen.retention) == ("127.0.0.1:9092", "127.0.0.1", "45d")
    assert chosen.clickhouse == f"chdb://{Path.cwd()}/maalstrom-data/clickhouse"


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAALSTROM_RETENTION", "")
    monkeypatch.setenv("WEB_PORT", "")
    assert (config.settings().retention, config.settings().web_port) == ("45d", 6066)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MAALSTROM_RETENTION", "a week", "is not a duration"),
        ("MAALSTROM_FLUSH_SECONDS", "0", "greater than 0"),
        ("MAALSTROM_APP_ID", "two words", "pattern"),
        ("MAALSTROM_SMALLEST_GROUP", "-1", "greater than or equal to 0"),
        ("WEB_PORT", "70000", "less than or equal to 65535"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(config.ConfigError, match=f"^{name} is '{value}': .*{says}.*; set it right or unset it$"):
        config.settings()


@pytest.mark.parametrize(("cores", "processes"), [(1, 0), (2, 2), (64, config.MOST_PROCESSES)])
def test_ledgers_have_as_many_processes_as_are_of_use(
    cores: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    assert config.settings().processes == processes
    monkeypatch.setenv("MAALSTROM_PROCESSES", "1")
    assert config.settings().processes == 1


def test_brokers_may_be_written_with_commas_and_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "kafka://one:9092,two:9092")
    assert config.settings().bootstrap == "one:9092;two:9092"


def test_the_retention_must_exceed_every_window(monkeypatch: pytest.MonkeyPatch) -> None:
    goals = parse(SHORT)
    monkeypatch.setenv("MAALSTROM_RETENTION", "30d")
    with pytest.raises(config.ConfigError, match="MAALSTROM_RETENTION is 30d, and a goal has a window of 30 days"):
        config.retention(config.settings(), goals)
    monkeypatch.setenv("MAALSTROM_RETENTION", "31d")
    assert config.retention(config.settings(), goals) == 31 * 86_400_000


def test_a_short_key_is_refused_without_being_shown() -> None:
    with pytest.raises(config.ConfigError, match=r"has 5 characters; .* at least 16") as refused:
        config.token_key("abcde")
    assert "abcde" not in str(refused.value)
    assert config.token_key("sixteen letters!") == b"sixteen letters!"


def test_a_key_that_was_made_up_is_kept_for_the_owner_alone(tmp_path: Path) -> None:
    kept = tmp_path / "new folder" / "token-key"
    key = config.token_key_or_made_up("", kept)
    assert len(key) >= 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert config.token_key_or_made_up("", kept) == key
    kept.write_text("")  # as a crash while it was written could leave it
    assert len(config.token_key_or_made_up("", kept)) >= 32


def test_a_key_of_ones_own_goes_before_the_one_kept(tmp_path: Path) -> None:
    config.token_key_or_made_up("", tmp_path / "token-key")
    assert config.token_key_or_made_up("sixteen letters!", tmp_path / "token-key") == b"sixteen letters!"


def test_without_a_file_each_key_is_new() -> None:
    assert config.token_key_or_made_up("", None) != config.token_key_or_made_up("", None)


def test_a_catalogue_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xe6")
    with pytest.raises(config.ConfigError, match=r"latin\.toml: it is not UTF-8"):
        config.catalogue(tmp_path / "latin.toml")
    with pytest.raises(config.ConfigError, match=r"none\.toml: No such file or directory"):
        config.catalogue(tmp_path / "none.toml")


def test_a_fail_point_is_a_known_one_and_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.settings().fail_point is None
    monkeypatch.setenv("MAALSTROM_FAIL_POINT", "journalled:3")
    assert config.settings().fail_point == "journalled:3"
    for wrong in ("journaled:3", "journalled", "journalled:0"):
        monkeypatch.setenv("MAALSTROM_FAIL_POINT", wrong)
        with pytest.raises(config.ConfigError, match="MAALSTROM_FAIL_POINT is"):
            config.settings()
