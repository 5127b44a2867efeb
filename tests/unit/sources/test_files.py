import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from streams.core.events.batch import Batch
from streams.core.events.watermark import Outcomes
from streams.core.parsing.decoding import Rejected
from streams.sources import cost_tables, files

TEXT = b"".join(b'{"n": %d}\n' % n for n in range(500))
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def read(path: Path | str) -> tuple[list[bytes], int]:
    """All lines of a file, and how many bytes of it were said to be read."""
    lots = list(files.lines(str(path)))
    return [line for lines, _ in lots for line in lines], sum(count for _, count in lots)


@pytest.mark.parametrize("name", ["costs.csv", "costs.csv.gz", "costs.csv.zst", "-"])
def test_tables_come_from_where_events_come_from(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "campaign;day;kind;amount;currency\nhøst;01.11.2026;money;1500,00;NOK\n".encode()
    path = Path(name) if name == files.STDIN else tmp_path / name
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    if path.suffix:
        path.write_bytes(COMPRESS.get(path.suffix[1:], bytes)(text))
    assert cost_tables.decoded(path) == text.decode()


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("end", [b"", b"last, without its end"])
def test_lines_do_not_depend_on_where_blocks_end(
    block: int, end: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK", block)
    text = b"one\n\r\n\nlonger than any block of seven\n" + end
    (tmp_path / "x.ndjson").write_bytes(text)
    lines = [b"one", b"\r", b"", b"longer than any block of seven"] + [end] * bool(end)
    assert read(tmp_path / "x.ndjson") == (lines, len(text))


@pytest.mark.parametrize("kind", COMPRESS)
def test_compressed_files_may_be_several_in_a_row(kind: str, tmp_path: Path) -> None:
    data = COMPRESS[kind](TEXT) + COMPRESS[kind](b"and more\n")
    (tmp_path / f"x.ndjson.{kind}").write_bytes(data)
    assert read(tmp_path / f"x.ndjson.{kind}") == ([*TEXT.splitlines(), b"and more"], len(data))


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("damage", ["cut", "overwritten", "never"])
def test_a_damaged_file_is_never_taken_for_a_short_one(kind: str, damage: str, tmp_path: Path) -> None:
    data = COMPRESS[kind](TEXT)
    middle = len(data) // 2
    damaged = {"cut": data[:middle], "overwritten": data[:middle] + b"\xff" * 60 + data[middle + 60 :], "never": TEXT}
    path = tmp_path / f"x.{kind}"
    path.write_bytes(damaged[damage])
    with pytest.raises(OSError, match=rf"^{path}: cannot be decompressed to its end .*; make the file again"):
        read(path)


def test_standard_input_has_no_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    assert files.size("-") == 0
    assert read("-") == (TEXT.splitlines(), 0)


def test_a_dead_letter_file_is_made_with_the_first_one(tmp_path: Path) -> None:
    path = tmp_path / "dead-letters.ndjson"
    path.write_text("of the run before")
    outcomes = Outcomes(Batch("checkout", [b"\xff{", "{ø".encode()], [None, None], [8, 9]))
    for at in (0, 1):
        outcomes.reject(at, Rejected("malformed", "not JSON"))
    with files.DeadLetterFile(path) as letters:
        assert not path.exists()
        for line, letter in enumerate(outcomes.dead, 3):
            letters.write(letter, "a.ndjson", line)
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    common = {"file": "a.ndjson", "topic": "checkout", "reason": "malformed", "error": "not JSON"}
    assert kept == [common | {"line": 3, "record_base64": "/3s="}, common | {"line": 4, "record": "{ø"}]
