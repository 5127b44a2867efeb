from pathlib import Path

import pytest

from streams.cli.events.reading import sources_of


def test_without_a_file_the_environments_is_read_and_without_either_what_is_built_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_text(f'[[source]]\ntopic = "{name}"\n', "utf-8")
    assert sources_of(None, None).more == ()
    monkeypatch.setenv("MAALSTROM_SOURCES", str(tmp_path / "one"))
    assert sources_of(None, None).more == ("one",)
    assert sources_of(tmp_path / "other", "ga4").more == ("other",)
    assert {of.format for of in sources_of(tmp_path / "other", "ga4").topics} == {"ga4"}
