"""Write keys: a file of lines, and what is wrong with one."""

from pathlib import Path

import pytest

from streams.collector.api import write_keys
from streams.collector.api.write_keys import WriteKey, parse
from streams.config import ConfigError


def test_a_key_is_a_browser_s_unless_it_says_otherwise() -> None:
    found = parse("# keys\n\nweb  secret-one\r\nshop\tsecret-two server\napp secret-three browser", "keys")
    assert found == {
        "secret-one": WriteKey("web", False),
        "secret-two": WriteKey("shop", True),
        "secret-three": WriteKey("app", False),
    }


@pytest.mark.parametrize(
    "line", ["web", "web secret-one admin", "web secret-one browser x", "w:b secret-one", "web short", "web a:bcdefgh"]
)
def test_what_is_no_key_is_refused_with_its_line_and_never_shown(line: str) -> None:
    with pytest.raises(ConfigError, match=r"^keys:2: ") as refused:
        parse(f"first first-secret\n{line}\n", "keys")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("line", ["web another-one", "other secret-one"])
def test_a_name_or_a_key_that_stands_twice_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match=r"^keys:2: .* twice"):
        parse(f"web secret-one\n{line}", "keys")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert write_keys.read(None) == {}
    with pytest.raises(ConfigError, match="cannot read the write keys"):
        write_keys.read(tmp_path / "none")
