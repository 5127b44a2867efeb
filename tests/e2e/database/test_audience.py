"""`maalstrom audience import`: a list before and after a replay, who is on it, and who is forgotten."""

from pathlib import Path

import pytest

from streams.core.identity.tokens import Tokens
from streams.sinks.clickhouse.client import connect
from streams.sources import token_lists
from tests.e2e.commands import maalstrom, ok
from tests.support.messages import HOUR, NOON, order, touch

KEY = "sixteen letters!"
CATALOGUE = 'base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\n'


@pytest.fixture
def at(tmp_path: Path) -> dict[str, str]:
    """The environment of commands beside files of events: ten people of whom each likes something and one buys."""
    people = [f"person {n}" for n in range(10)]
    (tmp_path / "catalogue.toml").write_text(CATALOGUE, "utf-8")
    liked = [touch(f"t{n}", NOON, user=name) for n, name in enumerate(people)]
    (tmp_path / "events.ndjson").write_bytes(b"\n".join([*liked, order("o", NOON + HOUR, "o", user="person 0")]))
    (tmp_path / "members.txt").write_text('\ufeffperson 0\n\n person 1 \n"person 2"\nnull\nperson 0\n', "utf-8")
    place = {"MAALSTROM_CLICKHOUSE": f"chdb://{tmp_path}/db", "MAALSTROM_TOKEN_KEY": KEY}
    return {**place, "FOLDER": str(tmp_path)}


def replay(env: dict[str, str]) -> None:
    folder = Path(env["FOLDER"])
    ok(maalstrom("replay", "--events", folder / "events.ndjson", "--catalogue", folder / "catalogue.toml", env=env))


def counted(env: dict[str, str], table: str) -> list[int]:
    with connect(env["MAALSTROM_CLICKHOUSE"]) as client:
        found = client.query(f"SELECT user FROM {table} FINAL WHERE audience = 'Members' ORDER BY user")
        return [row["user"] for row in found]


def hashes(*tokens: str) -> list[int]:
    return sorted(Tokens(KEY.encode()).hashes(list(tokens)).tolist())


def test_a_list_before_and_after_a_replay_and_who_is_forgotten(at: dict[str, str]) -> None:
    replay(at)
    done = ok(maalstrom("audience", "import", "Members", f"{at['FOLDER']}/members.txt", env=at))
    assert "3 tokens added to Members; 3 are on it" in done.out
    assert "1 lines passed over" in done.err
    assert "fewer than 10 is never shown" in done.err
    assert counted(at, "audiences") == hashes("person 0", "person 1", "person 2")
    assert counted(at, "engagement_audience") == []
    replay(at)
    assert counted(at, "engagement_audience") == hashes("person 0", "person 1", "person 2")
    assert counted(at, "conversion_audience") == hashes("person 0")
    ok(maalstrom("erase", "person 0", "--clickhouse", at["MAALSTROM_CLICKHOUSE"], env=at))
    for table in ("audiences", "engagement_audience"):
        assert counted(at, table) == hashes("person 1", "person 2")
    assert counted(at, "conversion_audience") == []


def test_a_whole_list_takes_the_others_off(at: dict[str, str]) -> None:
    path = Path(at["FOLDER"]) / "members.txt"
    ok(maalstrom("audience", "import", "Members", path, env=at))
    path.write_text("person 1\nperson 3\n", "utf-8")
    done = ok(maalstrom("audience", "import", "Members", path, "--replace", env=at))
    assert "1 tokens added to Members, 2 taken off; 2 are on it" in done.out
    replay(at)
    assert counted(at, "engagement_audience") == hashes("person 1", "person 3")


def test_lines_that_are_no_tokens_are_told_and_the_others_go_in(at: dict[str, str]) -> None:
    path = Path(at["FOLDER"]) / "members.txt"
    path.write_text("person 1\nperson 2,Bergen\n" + "x" * 1025, "utf-8")
    done = maalstrom("audience", "import", "Members", path, env=at)
    assert done.status == 1
    assert f"{path}:2: more than a token; write one token a line" in done.err
    assert f"{path}:3: longer than 1 KiB" in done.err
    assert counted(at, "audiences") == hashes("person 1")


def test_another_key_or_the_name_of_what_is_counted_by_itself_is_refused(at: dict[str, str]) -> None:
    ok(maalstrom("audience", "import", "Members", f"{at['FOLDER']}/members.txt", env=at))
    other = maalstrom(
        "audience", "import", "Members", f"{at['FOLDER']}/members.txt", env={**at, "MAALSTROM_TOKEN_KEY": "k" * 16}
    )
    assert (other.status, "another MAALSTROM_TOKEN_KEY" in other.err) == (1, True)
    assert maalstrom("audience", "import", "Bought  BEFORE", f"{at['FOLDER']}/members.txt", env=at).status == 2


def test_tokens_in_the_forms_that_people_save_them(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("bø\r\n7\r\n".encode("utf-16"))
    assert list(token_lists.read(path).tokens) == ["bø", "7"]
