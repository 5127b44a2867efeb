"""`maalstrom replay`: what could not be used is told, with what to do, and the exit status says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.cases import CATALOGUE, case
from tests.e2e.commands import Done, maalstrom, ok
from tests.support.messages import NOON, message, order, page, refund, touch

SOURCES = """placeholders = ["gjest"]
[touch]
"Newsletter Read" = { action = "open", network = "email" }
"""


def replay(folder: Path, lines: list[bytes], *more: str | Path) -> Done:
    """A replay of those events of topic `events`."""
    (folder / "catalogue.toml").write_text(CATALOGUE)
    (folder / "events.ndjson").write_bytes(b"\n".join(lines))
    files = ("--events", "events.ndjson", "--catalogue", "catalogue.toml", "--clickhouse", "chdb://memory")
    return maalstrom("replay", *files, *more, cwd=folder)


def told(done: Done) -> list[str]:
    """What it says of what was read."""
    return [line.strip() for line in done.err.splitlines() if line.startswith("  ")]


def test_names_that_no_goal_counts_are_told_with_what_they_nearly_spell(tmp_path: Path) -> None:
    folder = case("24-event-name-spelling")
    files = ("--events", folder / "checkout.ndjson", "--catalogue", folder / "catalogue.toml")
    done = ok(maalstrom("replay", *files, "--clickhouse", "chdb://memory", cwd=tmp_path))
    assert "ignored: 1 Completed Order, 1 purchase" in told(done)
    assert 'no goal counts "Completed Order"; did you mean "Order completed"?' in told(done)


def test_other_systems_messages_are_named_and_the_status_is_1(tmp_path: Path) -> None:
    folder = case("26-other-envelopes")
    files = ("--events", folder / "checkout.ndjson", "--catalogue", folder / "catalogue.toml")
    done = maalstrom("replay", *files, "--clickhouse", "chdb://memory", cwd=tmp_path)
    assert done.status == 1
    first = 'checkout.ndjson:1: malformed: this is a row of Google Analytics 4; give the topic format = "ga4"'
    assert done.err.splitlines()[-1].startswith("Error: nothing could be used; the first dead letter: ")
    assert done.err.splitlines()[-1].endswith(first)


@pytest.mark.parametrize("name", ["array.json", "bom-crlf.ndjson", "pretty.json", "utf16.ndjson"])
def test_files_in_any_form_are_used(name: str, tmp_path: Path) -> None:
    folder = case("27-file-forms")
    files = ("--events", folder / name, "--catalogue", folder / "catalogue.toml", "--strict")
    done = ok(maalstrom("replay", *files, "--clickhouse", "chdb://memory", cwd=tmp_path))
    assert done.err.startswith("3 events in ")


def test_what_was_left_out_is_told_by_place_and_type(tmp_path: Path) -> None:
    lines = [
        order("o1", NOON, "A", "a lot"),
        order("o2", NOON, "B", [1]),  # type: ignore[arg-type]
        order("o3", NOON, "C", user="guest", plan="month"),
        order("o4", NOON, "D", new_customer=True),
        touch("t1", NOON, "spring"),
        page("p1", NOON),
    ]
    done = ok(replay(tmp_path, lines))
    assert told(done) == [
        "ignored: 1 page",
        "2 fields could not be read and were left out: 1 properties.revenue (string), 1 properties.revenue (array)",
        "1 ids are placeholders, such as null or guest, and nobody's",
        "of 4 completed orders 25 % have no user, 50 % have no usable value, 75 % have no new_customer",
        "campaigns that the catalogue does not list: 1 spring",
    ]


def test_a_goal_that_asks_for_what_no_event_has_is_told(tmp_path: Path) -> None:
    done = ok(replay(tmp_path, [order("o1", NOON, "A", new_customer=False)]))
    assert told(done) == ['goal "renewals" asks for properties.plan, and no "Order Completed" has it']


def test_what_nobody_may_hide_in_a_name_steers_no_terminal(tmp_path: Path) -> None:
    done = ok(replay(tmp_path, [order("o1", NOON, "A"), message("Order\x1b[2J Complete", "m", NOON), touch("t", NOON)]))
    assert "\x1b" not in done.err


def test_strictly_a_dead_letter_or_a_field_that_is_left_out_fails(tmp_path: Path) -> None:
    good, bad = order("o1", NOON, "A", new_customer=True, plan="year"), refund("r1", NOON, "nobody's")
    assert ok(replay(tmp_path, [good, page("p", NOON)], "--strict"))
    done = replay(tmp_path, [good, bad], "--strict")
    assert done.status == 1
    assert "Error: 1 dead letters and 0 fields could not be used; the first dead letter: events.ndjson:2: " in done.err
    assert ok(replay(tmp_path, [good, bad]))
    left_out = order("o2", NOON, "B", "a lot")
    assert replay(tmp_path, [good, left_out], "--strict").status == 1


def test_where_all_is_ignored_the_status_is_1(tmp_path: Path) -> None:
    done = replay(tmp_path, [page("p1", NOON), message("Purchase", "m", NOON)])
    assert (done.status, done.err.splitlines()[-1]) == (1, "Error: nothing could be used: all events were ignored")


def test_sources_say_what_is_a_touch_and_who_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(SOURCES)
    lines = [order("o1", NOON, "A", user="Gjest"), message("newsletter_read", "m", NOON)]
    assert "ignored: 1 newsletter_read" in told(ok(replay(tmp_path, lines)))
    done = ok(replay(tmp_path, lines, "--sources", "sources.toml"))
    assert not any("ignored" in line for line in told(done))
    assert any("100 % have no user" in line for line in told(done))


def test_a_bad_file_of_sources_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text('own_hosts = []\norder_scope = "shop"\n')
    done = replay(tmp_path, [order("o1", NOON, "A")], "--sources", "sources.toml")
    assert done.status == 1
    assert done.err.startswith("Error: sources.toml:2: order_scope is ")


def test_the_format_of_files_can_be_given(tmp_path: Path) -> None:
    sent = {"event": "Order Completed", "distinct_id": "u", "uuid": "1", "timestamp": "2026-11-03T10:00:00Z"}
    lines = [json.dumps(sent | {"properties": {"order_id": "A", "revenue": 5, "distinct_id": "u"}}).encode()]
    assert replay(tmp_path, lines).status == 1
    assert ok(replay(tmp_path, lines, "--format", "posthog")).err.startswith("1 event in")


def test_programs_get_one_object(tmp_path: Path) -> None:
    lines = [
        order("o1", NOON, "A", "a lot"),
        touch("t1", NOON, "spring"),
        page("p1", NOON),
        b"{broken",
        touch("t1", NOON),
    ]
    done = ok(replay(tmp_path, lines, "--json"))
    told = json.loads(done.out)
    assert (told["format"], told["messages"], told["used"]) == (1, 5, 2)
    assert told["outcomes"] == {"accepted": 2, "dead_letter": 1, "duplicate": 1, "ignored": 1}
    assert told["dead_letters"] == {"malformed": 1}
    assert told["first_dead_letter"].startswith("events.ndjson:4: malformed: ")
    assert told["dead_letters_file"] == "dead-letters.ndjson"
    assert {"field": "properties.revenue", "type": "string", "times": 1} in told["field_faults"]
    assert told["report"]["goals"][0]["reached"] == "1"
    assert told["sentences"]


def test_programs_are_told_where_nothing_could_be_used_too(tmp_path: Path) -> None:
    done = replay(tmp_path, [b"{broken"], "--json")
    assert done.status == 1
    assert json.loads(done.out)["used"] == 0


def test_touches_of_nobody_are_told(tmp_path: Path) -> None:
    """A column with another name (`user_id`), or none: the touch counts, and no conversion finds it."""
    lines = [touch("t1", NOON), touch("t2", NOON, user=""), touch("t3", NOON, user="guest")]
    done = ok(replay(tmp_path, lines))
    assert "2 touches have no user: they count, and no conversion can be credited to them" in told(done)
    assert json.loads(ok(replay(tmp_path, lines, "--json")).out)["touches_without_user"] == 2
    explained = ok(maalstrom("explain", tmp_path / "events.ndjson", "--catalogue", tmp_path / "catalogue.toml"))
    assert "2 touches have no user" in explained.out
