"""What a replay says of its progress: on a terminal, and without one."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.commands import (
    COMMAND,
    Month,
    environment,
    maalstrom,
    ok,
)


def test_a_terminal_sees_how_fast_and_how_long(month: Month) -> None:
    status, seen = _on_terminal([*month.arguments, "--clickhouse", "chdb://memory"])
    assert status == 0, seen
    bar, erased, after = seen.partition("\x1b[2K\x1b[2m")
    assert re.search(r"writing .*100%.* [\d,]+ events/s .*0:00:00", bar)
    assert erased
    assert "events/s" not in after
    assert "8,000 events in" in after


def test_without_a_terminal_there_is_only_text(month: Month, tmp_path: Path) -> None:
    (tmp_path / "dead-letters.ndjson").write_text("of the run before")
    done = ok(maalstrom("replay", *month.arguments, "--clickhouse", "chdb://memory", cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert "\x1b" not in done.out + done.err
    assert "events/s" not in done.out + done.err
    assert max(map(len, done.out.splitlines())) <= 160, "a table is as wide as its words, and no wider"
    assert re.match(r"8,000 events in [\d.]+ s \([\d,]+ a second\)\n", done.err)
    assert "key made up for this run" in done.err


def _on_terminal(arguments: list[str | Path]) -> tuple[int, str]:
    """Run a replay on a terminal of 80 columns; its status and all that the terminal was sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "replay", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment({"TERM": "xterm-256color", "COLUMNS": "80"}),
    )
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        seen = b"".join(_read(terminal))
    return process.wait(60), seen.decode()


def _read(terminal: io.FileIO) -> Iterator[bytes]:
    """What comes until the other side is closed."""
    try:
        while data := terminal.read(1 << 16):
            yield data
    except OSError:  # how Linux says that nobody is left
        return
