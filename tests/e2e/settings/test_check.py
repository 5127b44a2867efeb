"""`maalstrom catalogue check` and `maalstrom sources check`, and what a bad time zone comes to."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.commands import maalstrom, ok

CATALOGUE = """base_currency = "NOK"
timezone = "Europe/Oslo"
[[goal]]
id = "orders"
event = "Order Completed"
"""


def test_all_that_is_wrong_in_a_catalogue_is_told_with_status_1(tmp_path: Path) -> None:
    wrong = CATALOGUE.replace("Oslo", "Olso") + 'target = "many"\n[[campaign]]\nid = 1\n'
    (tmp_path / "catalogue.toml").write_text(wrong)
    done = maalstrom("catalogue", "check", "catalogue.toml", cwd=tmp_path)
    assert done.status == 1
    assert [line.split(";")[0] for line in done.out.splitlines()] == [
        'catalogue.toml:2: there is no time zone "Europe/Olso"',
        'catalogue.toml:6: target is "many", not an amount of 0 or more (at most 999999999999)',
        "catalogue.toml:8: id is 1, not a text",
    ]
    assert done.err == "Error: catalogue.toml has 3 faults; what is useless in it is told once they are gone\n"


def test_what_is_useless_is_no_fault(tmp_path: Path) -> None:
    more = '[[campaign]]\nid = "a"\naliases = ["A"]\nend = 2020-01-01\n'
    (tmp_path / "c.toml").write_text(CATALOGUE + more)
    assert ok(maalstrom("catalogue", "check", "c.toml", cwd=tmp_path)).out.splitlines() == [
        'c.toml:8: useless: campaign "a": "A" in aliases is the same name as the id "a"',
        'c.toml:9: useless: campaign "a": it ended on 2020-01-01',
    ]
    (tmp_path / "c.toml").write_text(CATALOGUE)
    done = ok(maalstrom("catalogue", "check", "c.toml", cwd=tmp_path))
    assert done.out == "c.toml is right, and nothing in it is useless\n"


def test_a_time_zone_that_is_none_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CATALOGUE.replace("Oslo", "Olso"))
    (tmp_path / "e.ndjson").write_text("{}\n")
    files = ("--engagement", "e.ndjson", "--catalogue", "c.toml", "--clickhouse", "chdb://memory")
    done = maalstrom("replay", *files, cwd=tmp_path)
    assert (done.status, done.err) == (
        1,
        'Error: c.toml:2: there is no time zone "Europe/Olso"; write a name of the tz database, '
        'such as "Europe/Oslo"\n',
    )


def test_sources_are_checked(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    (tmp_path / "s.toml").write_text('placeholders = ["none"]\n[touch]\n"Order-Completed2" = { action = "open" }\n')
    told = ok(maalstrom("sources", "check", "s.toml", "--catalogue", "catalogue.toml", cwd=tmp_path)).out
    assert told == 's.toml:1: useless: "none" is a placeholder without this\n'
    (tmp_path / "s.toml").write_text('order_scope = "all"\n[[source]]\ntopic = "x"\nformat = "csv"\n')
    done = maalstrom("sources", "check", "s.toml", cwd=tmp_path)
    assert done.status == 1
    assert [line.split(":")[1] for line in done.out.splitlines()] == ["1", "4"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = maalstrom("sources", "check", "s.toml", cwd=tmp_path)
    assert done.status == 1
    said = "cannot read the sources s.toml: No such file or directory; give the path of a file that can be read"
    assert done.err == f"Error: {said}\n"
