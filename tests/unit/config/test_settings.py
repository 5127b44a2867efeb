import os
import stat
from pathlib import Path

import pytest

from streams import config
from streams.collector.settings import CollectorSettings
from streams.config.unknown import COLLECTOR, variables
from streams.core.catalogue.parse import parse

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
        if name.startswith(("MAALSTROM_", "KAFKA_", "BROKER_URL", "WEB_")):
            monkeypatch.delenv(name)


def test_defaults_stay_on_this_machine() -> None:
    chosen = config.load()
    assert (str(chosen.bootstrap), chosen.web_bind, chosen.retention) == ("127.0.0.1:9092", "127.0.0.1", "45d")
    assert chosen.clickhouse == f"chdb://{Path.cwd()}/maalstrom-data/clickhouse"


def test_a_misspelt_variable_is_told_with_the_one_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAALSTROM_RETENTON", "KAFKA_SSL_CA_FILE", "MAALSTROM_ELSE", "MAALSTROM_TOKEN_KEY_FILE", "KAFKA_HOME"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("MAALSTROM_WEBHOOK_SECRET_SHOPFIY", "x")
    assert config.unknown_variables() == [
        "KAFKA_SSL_CA_FILE is set, and there is no such variable; is KAFKA_SSL_CAFILE meant?",
        "MAALSTROM_ELSE is set, and there is no such variable",
        "MAALSTROM_RETENTON is set, and there is no such variable; is MAALSTROM_RETENTION meant?",
        "MAALSTROM_WEBHOOK_SECRET_SHOPFIY is set, and there is no such variable; "
        "is MAALSTROM_WEBHOOK_SECRET_SHOPIFY meant?",
    ]


def test_what_the_collector_is_told_is_nothing_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {name for name in variables(CollectorSettings) if name.startswith("MAALSTROM_")}
    assert ours == {*variables(config.Settings), *COLLECTOR} - {
        "BROKER_URL",
        "BROKER_CREDENTIALS",
        "WEB_BIND",
        "WEB_PORT",
    }
    for name in ours:
        monkeypatch.setenv(name, "x")
    assert config.unknown_variables() == []


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAALSTROM_RETENTION", "")
    monkeypatch.setenv("WEB_PORT", "")
    assert (config.load().retention, config.load().web_port) == ("45d", 6066)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MAALSTROM_RETENTION", "a week", "is not a duration"),
        ("MAALSTROM_FLUSH_SECONDS", "0", "greater than 0"),
        ("MAALSTROM_STATE_MEMORY", "some", "it is no size; write a number with B, KiB, MiB or GiB"),
        ("MAALSTROM_APP_ID", "two words", "it must match '"),
        ("MAALSTROM_SMALLEST_GROUP", "-1", "greater than or equal to 0"),
        ("WEB_PORT", "70000", "it must be less than or equal to 65535"),
        ("WEB_PORT", "high", "it must be an integer"),
        ("MAALSTROM_RETENTION", "7days", '"7days" is not a duration'),
        ("MAALSTROM_LOG_LEVEL", "LOUD", "it must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(config.ConfigError, match=f"^{name} is '{value}': .*{says}.*; set it right or unset it$"):
        config.load()


@pytest.mark.parametrize(("cores", "processes"), [(1, 0), (2, 2), (64, config.settings.MOST_PROCESSES)])
def test_ledgers_have_as_many_processes_as_are_of_use(
    cores: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    assert config.load().processes == processes
    monkeypatch.setenv("MAALSTROM_PROCESSES", "1")
    assert config.load().processes == 1


def test_the_retention_must_exceed_every_window(monkeypatch: pytest.MonkeyPatch) -> None:
    goals = parse(SHORT)
    monkeypatch.setenv("MAALSTROM_RETENTION", "30d")
    with pytest.raises(config.ConfigError, match="MAALSTROM_RETENTION is 30d, and a goal has a window of 30 days"):
        config.retention(config.load(), goals)
    monkeypatch.setenv("MAALSTROM_RETENTION", "31d")
    assert config.retention(config.load(), goals) == 31 * 86_400_000


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


def test_a_byte_order_mark_of_windows_is_passed_over_in_every_file_of_settings(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(SHORT, "utf-8-sig")
    assert config.catalogue(file).base_currency == "NOK"
    file.write_text('own_hosts = ["shop.example"]', "utf-8-sig")
    assert config.sources(file)


def test_a_catalogue_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xe6")
    with pytest.raises(config.ConfigError, match=r"latin\.toml: it is not UTF-8"):
        config.catalogue(tmp_path / "latin.toml")
    with pytest.raises(config.ConfigError, match=r"none\.toml: No such file or directory"):
        config.catalogue(tmp_path / "none.toml")


def test_a_fail_point_is_a_known_one_and_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.load().fail_point is None
    monkeypatch.setenv("MAALSTROM_FAIL_POINT", "journalled:3")
    assert config.load().fail_point == "journalled:3"
    for wrong in ("journaled:3", "journalled", "journalled:0"):
        monkeypatch.setenv("MAALSTROM_FAIL_POINT", wrong)
        with pytest.raises(config.ConfigError, match="MAALSTROM_FAIL_POINT is"):
            config.load()


@pytest.mark.parametrize(
    "url", ["kafka://one:9092,two:9092", "kafka://one:9092;kafka://two:9092", "one:9092, two:9092"]
)
def test_brokers_may_be_written_with_commas_and_a_scheme(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", url)
    assert (str(config.load().bootstrap), config.load().bootstrap.urls) == (
        "one:9092,two:9092",
        "one:9092;two:9092",
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("kafka+ssl://one:9092", r"BROKER_URL has the scheme kafka\+ssl://"),
        ("kafka://one:9092;kafka+sasl://two:9092", r"BROKER_URL has the scheme kafka\+sasl://"),
        ("ssl://one:9092", "BROKER_URL has the scheme ssl://"),
        ("http://one:9092", "BROKER_URL has the scheme http://"),
        ("kafka://me:hunter2@one:9092", "BROKER_URL has a user name or password"),
        ("me:hunter2@one:9092", "BROKER_URL has a user name or password"),
        ("kafka://one:9092?ssl=true", "which is not the address of a Kafka broker"),
        ("kafka://one", "which is not the address of a Kafka broker"),
    ],
)
def test_what_asks_for_more_than_plain_text_is_refused(url: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", url)
    with pytest.raises(config.ConfigError, match=says) as refused:
        config.load().bootstrap  # noqa: B018
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_credentials_of_faust_are_not_sent_in_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_CREDENTIALS", "sasl://me:hunter2@")
    with pytest.raises(config.ConfigError, match="BROKER_CREDENTIALS is set") as refused:
        config.load().bootstrap  # noqa: B018
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(config.load())
