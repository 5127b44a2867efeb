"""`maalstrom page`: the dashboards of a database that a replay filled, with no worker and no broker."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from streams.cli.run.page import how_to_see
from tests.e2e.commands import COMMAND, Month, dump, embedded, environment, maalstrom, ok

PAGE_URL = "https://figures.example"


@pytest.fixture(scope="module")
def replayed(month: Month, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The DSN of a database that holds the month, and what the replay said on standard error."""
    dsn = embedded(tmp_path_factory.mktemp("page") / "clickhouse")
    return dsn, ok(maalstrom("replay", *month.arguments, "--clickhouse", dsn)).err


@pytest.fixture(scope="module")
def address(replayed: tuple[str, str]) -> Iterator[str]:
    """Where the page answers; at the end it is asked to stop, and does so in peace."""
    before = dump(replayed[0])
    command = [COMMAND, "page", "--port", "0", "--clickhouse", replayed[0]]
    process = subprocess.Popen(
        command, env=environment({"MAALSTROM_PAGE_URL": PAGE_URL}), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("The dashboards are at http://127.0.0.1:")
    yield said.split()[4]
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "Stopped.\n")
    assert dump(replayed[0]) == before, "it only reads"


def get(address: str, path: str) -> bytes:
    with urllib.request.urlopen(f"{address}{path}", timeout=60) as answer:
        content: bytes = answer.read()
        return content


def test_it_shows_the_dashboards_that_are_about_a_database(address: str) -> None:
    uids = [each["uid"] for each in json.loads(get(address, "api/dashboards"))]
    assert "maalstrom-goals" in uids
    assert "maalstrom-pipeline" not in uids
    assert b"<html" in get(address, "")


def test_it_answers_by_the_name_that_people_open_it_by(address: str) -> None:
    def asked(host: str) -> int:
        request = urllib.request.Request(f"{address}api/dashboards", headers={"Host": host})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)

    assert asked("figures.example") == 200
    with pytest.raises(urllib.error.HTTPError, match="403"):
        asked("other.example")


def test_every_panel_has_an_answer_without_a_worker(address: str) -> None:
    for dashboard in json.loads(get(address, "api/dashboards")):
        lines = get(address, f"api/dashboards/{dashboard['uid']}/data?from=now-10y").splitlines()
        assert len(lines) > 3
        assert [line for line in map(json.loads, lines[1:]) if "error" in line] == []


def test_a_database_alone_does_not_look_broken(address: str) -> None:
    lines = get(address, "api/dashboards/maalstrom-overview/data").splitlines()
    told = [answer["elsewhere"] for answer in map(json.loads, lines) if "elsewhere" in answer]
    assert told == ["no worker is watched here: this page shows a database alone"]


def test_the_replay_says_how_to_see_it(replayed: tuple[str, str]) -> None:
    dsn, said = replayed
    assert f"See it in a browser: maalstrom page --clickhouse {dsn}\n" in said


def test_no_password_is_printed_and_what_is_gone_is_not_offered() -> None:
    assert how_to_see("clickhouse://me:secret@host:8123/maalstrom") == "maalstrom page --clickhouse DSN"
    assert how_to_see(None) == "maalstrom page"
    assert how_to_see("chdb://memory") == ""


def test_a_database_that_does_not_answer_is_said_at_once() -> None:
    done = maalstrom("page", "--port", "0", "--clickhouse", "clickhouse://127.0.0.1:1/maalstrom")
    assert (done.status, done.out) == (1, "")
    assert "no answer" in done.err


def numbers(address: str, uid: str) -> list[list[float]]:
    """The figures of each panel, without a word, in an order of their own: rows may be ordered by words."""
    lines = get(address, f"api/dashboards/{uid}/data?from=1788220800000&to=1798675200000").splitlines()
    panels = sorted(map(json.loads, lines[1:]), key=lambda each: each.get("panel", 0))
    assert [each for each in panels if "error" in each] == []
    return [
        sorted(
            value
            for each in panel.get("frames", ())
            for column in each["frame"]["data"].values()
            for value in column
            if isinstance(value, int | float)
        )
        for panel in panels
    ]


def test_norwegian_dashboards_have_the_figures_of_the_english_ones(address: str) -> None:
    english = json.loads(get(address, "api/dashboards?lang=en"))
    norwegian = json.loads(get(address, "api/dashboards?lang=nb"))
    assert [each["title"] for each in norwegian] == ["Oversikt", "Mål", "Kampanjer"]
    for one, other in zip(english, norwegian, strict=True):
        assert one["others"] == {"Norsk": other["uid"]}
        for seen, wanted in zip(numbers(address, other["uid"]), numbers(address, one["uid"]), strict=True):
            assert [own for own in map(within, seen, wanted) if not own] == []
            assert len(seen) == len(wanted)


def within(seen: object, wanted: object) -> bool:
    """Equal; an age in seconds has grown since the other was asked."""
    if isinstance(seen, int | float) and isinstance(wanted, int | float) and wanted > 86_400:
        return abs(seen - wanted) < 60
    return seen == wanted
