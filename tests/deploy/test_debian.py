"""Programs out of Debian's packages: unpacked once, and what is said where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import debian


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "CACHE", tmp_path / "cache")
    debian.unpacked.cache_clear()


def test_a_program_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "sometool"
    tool.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.program("sometool", "somepackage") == tool


def test_what_is_unpacked_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache" / "somepackage").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.program("sometool", "somepackage") == tmp_path / "cache" / "somepackage" / "usr" / "bin" / "sometool"


def test_a_machine_without_debians_tools_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(debian.UnavailableError, match="no apt-get here to have Debian's package somepackage from"):
        debian.program("sometool", "somepackage")


def test_a_download_that_fails_is_tried_again_with_new_lists_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("apt-get", "dpkg-deb"):
        (tmp_path / name).write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho "it is not to be had" >&2\nexit 100\n'
        )
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(debian.UnavailableError, match="cannot download somepackage: it is not to be had; run apt-get"):
        debian.program("sometool", "somepackage")
    assert [line.split()[1] for line in (tmp_path / "asked").read_text().splitlines()] == [
        "download",
        "update",
        "download",
    ]
    assert list((tmp_path / "cache").iterdir()) == []
