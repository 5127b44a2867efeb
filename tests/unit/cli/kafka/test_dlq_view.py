"""What is said of dead letters, in words."""

import csv
import io
import json

import pytest
from rich.console import Console

from streams.cli.forms import tell
from streams.cli.kafka.dlq_view import COLUMNS, in_words, letter_rows, render_replayed
from streams.core.events.dead_letters import Failure
from streams.kafka.dlq import DeadLetterRecord, DlqReplay


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "5113800 s behind the newest event of its partition",
            "59 days 4 hours behind the newest event of its partition",
        ),
        (
            "`timestamp` is 431999 s ahead of now; at most 3600 s are taken",
            "`timestamp` is 4 days 23 hours ahead of now; at most 1 hour are taken",
        ),
        ("90 s late", "90 s late"),
        ("200 s", "3 minutes"),
        ("no number at all", "no number at all"),
    ],
)
def test_seconds_are_told_in_the_units_that_people_use(said: str, words: str) -> None:
    assert in_words(said) == words


def printed(draw: object, *given: object) -> str:
    out = io.StringIO()
    draw(Console(file=out, width=40), *given)  # type: ignore[operator]
    return out.getvalue()


def test_a_dry_run_says_what_would_be_sent_and_what_is_late_again() -> None:
    done = DlqReplay(late=1)
    done.sent["checkout"] = 2
    assert printed(render_replayed, done, True).startswith("2 records would be sent: checkout 2")
    assert "1 of them were too late" in " ".join(printed(render_replayed, done).split())


@pytest.mark.parametrize("form", ["json", "csv"])
def test_for_programs_each_letter_is_one_line_whatever_it_says(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    failure = Failure("malformed", "=not JSON\n\x1b[2J " + "x" * 200, "checkout", 1, 7, 1_790_000_000_000)
    nothing = DeadLetterRecord("checkout.dlq", 0, 13, b"k", b"v", 0, None)
    tell(form, COLUMNS, letter_rows([DeadLetterRecord("checkout.dlq", 0, 12, b"k", b"v", 0, failure), nothing]))
    lines = capsys.readouterr().out.splitlines()
    assert "\x1b" not in "".join(lines)
    found = list(csv.DictReader(lines)) if form == "csv" else list(map(json.loads, lines))
    assert [(row["place"], row["source_topic"]) for row in found] == [
        ("checkout.dlq/0/12", "checkout"),
        ("checkout.dlq/0/13", "checkout"),
    ]
    assert (found[0]["reason"], str(found[0]["source_offset"])) == ("malformed", "7")
    assert found[0]["error"].startswith("'=not JSON" if form == "csv" else "=not JSON")
    assert found[1]["error"] == ("" if form == "csv" else None)
