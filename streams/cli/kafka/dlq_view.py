"""Dead letters as a person reads them, or a program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from streams.kafka.dlq import DeadLetterRecord, DlqReplay

SHOWN_BYTES = 10_000
LATEST_MS = 253_402_300_799_000
_SECONDS = re.compile(r"\b(\d{3,}) s\b")
COLUMNS = ("place", "failed_at", "reason", "error", "source_topic", "source_partition", "source_offset")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def render_letters(console: Console, letters: Iterable[DeadLetterRecord]) -> None:
    """Print one line for each dead letter as it is read, and at the end how many there are of each reason."""
    reasons: Counter[str] = Counter()
    for letter in letters:
        reasons[letter.reason] += 1
        error = letter.failure.error if letter.failure else "its headers are not those of a dead letter"
        line = f"{letter.place}  {_rfc3339(letter.failed_at)}  {letter.reason}  {in_words(_printable(error.encode()))}"
        console.print(Text(line), soft_wrap=True)
    console.print(Text(f"{reasons.total()} dead letters{_counts(reasons)}"))


def render_letter(console: Console, letter: DeadLetterRecord) -> None:
    """Print one dead letter with its headers and its bytes, as text as far as they are text."""
    value = letter.value or b""
    rows = {"dead letter": letter.place, "failed at": _rfc3339(letter.failed_at), "reason": letter.reason}
    if letter.failure:
        failure = letter.failure
        rows["error"] = failure.error
        rows["source"] = f"{failure.source_topic}/{failure.source_partition}/{failure.source_offset}"
    rows["key"] = "none" if letter.key is None else _printable(letter.key)
    rows["value"] = "none (a tombstone)" if letter.value is None else f"{len(value)} bytes"
    for name, text in rows.items():
        console.print(Text(f"{name:<12}{in_words(_printable(text.encode()))}"), soft_wrap=True)
    console.print(Text(_printable(value[:SHOWN_BYTES])), soft_wrap=True)
    if len(value) > SHOWN_BYTES:
        console.print(Text(f"… the first {SHOWN_BYTES} of {len(value)} bytes"))


def letter_rows(letters: Iterable[DeadLetterRecord]) -> Iterator[Mapping[str, Any]]:
    """COLUMNS of each, for programs: everything but key and bytes, which `show` prints."""
    for letter in letters:
        failure = letter.failure
        yield {
            "place": letter.place,
            "failed_at": _rfc3339(letter.failed_at),
            "reason": letter.reason,
            "error": failure.error if failure else None,
            "source_topic": failure.source_topic if failure else letter.source,
            "source_partition": failure.source_partition if failure else None,
            "source_offset": failure.source_offset if failure else None,
        }


def render_replayed(console: Console, done: DlqReplay, dry: bool = False) -> None:
    """Print what a replay sent, or would send, what it left out and could not send."""
    console.print(Text(f"{done.sent.total()} records {'would be ' if dry else ''}sent{_counts(done.sent)}"))
    if done.late:
        console.print(Text(f"{done.late} of them were too late, and are so again unless MAALSTROM_RETENTION has grown"))
    if done.repeated:
        console.print(Text(f"{done.repeated} dead letters of a record that was sent already were left out"))
    for letter, error in done.refused:
        console.print(Text(f"refused: {letter.place}: {error}", "red"), soft_wrap=True)


def in_words(text: str) -> str:
    """Numbers of seconds from 100 on in the two largest units that they fill: 5113800 s is 59 days 4 hours."""
    return _SECONDS.sub(lambda found: _duration(int(found[1])), text)


def _duration(seconds: int) -> str:
    said: list[str] = []
    for name, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count and len(said) < 2:
            said.append(f"{count:,} {name}{'s' if count != 1 else ''}")
    return " ".join(said)


def _counts(counter: Counter[str]) -> str:
    return "".join(f"{', ' if n else ': '}{name} {count}" for n, (name, count) in enumerate(counter.most_common()))


def _rfc3339(at: int) -> str:
    at = min(max(at, 0), LATEST_MS)  # a stranger's record can carry any time
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _printable(raw: bytes) -> str:
    # What strangers sent must not steer the terminal.
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
