"""`maalstrom replay`: exactly the figures of the reference, whatever the files are like."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard

from streams.sinks.clickhouse.client import connect
from tests.conftest import CI
from tests.e2e.commands import (
    SHOP,
    TOKEN_KEY,
    Done,
    Month,
    dump,
    embedded,
    maalstrom,
    ok,
    unlike_reference,
)
from tests.integration.support.written import unlike_transitions
from tests.oracle.credit import MODELS
from tests.support.judged import expected
from tests.support.messages import NOON, alias, identify, message, order, refund, touch

JOURNEYS = Path(__file__).resolve().parents[4] / "shared" / "tools" / "journeys.py"
KEYED = {"MAALSTROM_TOKEN_KEY": TOKEN_KEY}
CATALOGUE = f"""{SHOP}[[campaign]]
id = "autumn"
name = "Autumn on Facebook"
means = "social"
"""


def test_a_public_file_of_journeys(tmp_path: Path) -> None:
    if not JOURNEYS.exists():
        assert not CI, f"{JOURNEYS} is missing"
        pytest.skip(f"the public file of journeys is not here: {JOURNEYS} is missing")
    subprocess.run([sys.executable, JOURNEYS, tmp_path], check=True)
    files = Month(tmp_path)
    assert len(files.lines("checkout")) == 1_838
    dsn = embedded(tmp_path / "db" / "clickhouse")
    done = ok(maalstrom("replay", *files.arguments, "--clickhouse", dsn, env=KEYED))
    assert re.search(r"Orders in July 2018 +1 838 +2 000 +2018-07-31", done.out)
    with connect(dsn) as client:
        sums = client.query("SELECT model, sum(conversions) AS c FROM goal_attribution FINAL GROUP BY model")
    assert {row["model"]: row["c"] for row in sums} == dict.fromkeys(MODELS, Decimal(1838))
    assert unlike_reference(dsn, files.catalogue_text, files.records) == ""


@pytest.fixture(scope="module")
def replayed(month: Month, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database of the month, replayed once without a key of ours."""
    folder = tmp_path_factory.mktemp("replayed")
    ok(maalstrom("replay", *month.arguments, "--clickhouse", embedded(folder / "clickhouse")))
    return folder


def test_a_month_with_refunds_duplicates_and_disorder(month: Month, replayed: Path) -> None:
    dsn, key = embedded(replayed / "clickhouse"), (replayed / "token-key").read_text()
    assert unlike_reference(dsn, month.catalogue_text, month.records, key) == ""
    with connect(dsn) as client:
        assert unlike_transitions(client, expected(month.records, month.catalogue_text)) == []
    with connect(dsn) as client:
        placed = client.query(
            "SELECT DISTINCT origin, partition, reported_at = toStartOfHour(window_start) AS own_hour "
            "FROM (SELECT origin, partition, reported_at, window_start FROM goal_attribution FINAL UNION ALL "
            "SELECT origin, partition, reported_at, window_start FROM engagement_counts FINAL)"
        )
    assert placed == [{"origin": "replay", "partition": 0, "own_hour": 1}]


def test_the_same_files_again_change_nothing(month: Month, replayed: Path) -> None:
    dsn = embedded(replayed / "clickhouse")
    before = dump(dsn)
    assert all(before[table] for table in ("goal_attribution", "conversions", "engagement_counts", "engagement_users"))
    done = ok(maalstrom("replay", *month.arguments, "--clickhouse", dsn))
    assert dump(dsn) == before
    assert f"made up and kept in {replayed / 'token-key'}" in done.err


def test_order_pieces_and_compression_change_nothing(month: Month, replayed: Path, tmp_path: Path) -> None:
    lines = month.lines("engagement")
    random.Random(7).shuffle(lines)
    thirds = [b"\n".join(lines[start::3]) for start in range(3)]
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(thirds[0]))
    (tmp_path / "b.ndjson.zst").write_bytes(zstandard.compress(thirds[1]))
    orders = month.lines("checkout")
    (tmp_path / "c.ndjson").write_bytes(b"\r\n".join(reversed(orders[:50])) + b"\r\n")
    (tmp_path / "d.ndjson").write_bytes(b"\n\n".join(orders[50:]) + b"\n   \n")
    dsn = embedded(tmp_path / "clickhouse")
    files = ["--checkout", "d.ndjson", "--engagement", "b.ndjson.zst", "-", "a.ndjson.gz", "--checkout=c.ndjson"]
    rest: list[str | Path] = ["--catalogue", month.folder / "catalogue.toml", "--clickhouse", dsn]
    key = {"MAALSTROM_TOKEN_KEY": (replayed / "token-key").read_text()}
    done = ok(maalstrom("replay", *files, *rest, cwd=tmp_path, stdin=thirds[2], env=key))
    assert "dead letter" not in done.err
    assert dump(dsn) == dump(embedded(replayed / "clickhouse"))


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A folder with a catalogue and a few events."""
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    (tmp_path / "e.ndjson").write_bytes(touch("e1", NOON) + b"\n" + touch("e2", NOON + 1) + b"\n")
    (tmp_path / "c.ndjson").write_bytes(order("o1", NOON + 2, "A") + b"\n")
    return tmp_path


FEW = ("replay", "--engagement", "e.ndjson", "--checkout", "c.ndjson", "--catalogue", "catalogue.toml")


def test_bad_lines_are_kept_with_their_place_and_stop_nothing(few: Path) -> None:
    deep, nested = b"[" * 10_000 + b"]" * 10_000, touch("e7", NOON)[:-1] + b', "x": ' + b"[" * 10_000 + b"]" * 10_000
    bad_touches = {
        2: (b"not JSON", "malformed"),
        3: (b'{"type": "track"}', "malformed"),
        4: (touch("e4", NOON, action=""), "malformed"),
        5: (b'{"type": "\xff\xfe"}', "malformed"),
        6: (deep, "malformed"),
        7: (nested + b"}", "malformed"),
        8: (touch("e8", NOON, target="a" * 10_000_000), "oversized"),
        9: (b"null", "malformed"),
        10: (touch("e10", NOON, action="dance"), "malformed"),
    }
    bad_orders = {
        2: (order("o2", NOON, "B", revenue=1).replace(b'"revenue": 1', b'"revenue": NaN'), "malformed"),
        3: (b'{"type": "track", "event": "Order Completed", "messageId": "o3", "timestamp": "once"}', "malformed"),
        4: (refund("r1", NOON, "nobody's"), "unknown_order"),
    }
    touches = [touch("e1", NOON), *(line for line, _ in bad_touches.values()), b"", touch("e12", NOON + 1) + b"\r"]
    touches.append(message("Page Viewed", "e13", NOON))
    orders = [order("o1", NOON + 2, "A"), *(line for line, _ in bad_orders.values()), refund("r5", NOON, "A", total=40)]
    (few / "e.ndjson").write_bytes(b"\n".join(touches))
    (few / "c.ndjson").write_bytes(b"\r\n".join(orders))

    dsn = embedded(few / "data" / "clickhouse")
    done = ok(maalstrom(*FEW, "--clickhouse", dsn, cwd=few, env=KEYED))

    kept = [json.loads(line) for line in (few / "data" / "dead-letters.ndjson").read_text().splitlines()]
    wanted = [("e.ndjson", n, "engagement", reason) for n, (_, reason) in bad_touches.items()]
    wanted += [("c.ndjson", n, "checkout", reason) for n, (_, reason) in bad_orders.items()]
    assert sorted((k["file"], k["line"], k["topic"], k["reason"]) for k in kept) == sorted(wanted)
    assert all(k["error"] for k in kept)
    originals = {("e.ndjson", n): line for n, (line, _) in bad_touches.items()}
    originals |= {("c.ndjson", n): line + b"\r" for n, (line, _) in bad_orders.items()}
    assert {(k["file"], k["line"]): _original(k) for k in kept} == originals
    assert f"12 dead letters (10 malformed, 1 oversized, 1 unknown_order), kept in {few}/data/dead-let" in done.err
    assert "ignored: 1 Page Viewed" in done.err
    records = [("engagement", line) for line in touches] + [("checkout", line) for line in orders]
    assert unlike_reference(dsn, CATALOGUE, records) == ""


def _original(kept: dict[str, str]) -> bytes:
    return base64.b64decode(kept["record_base64"]) if "record_base64" in kept else kept["record"].encode()


def test_a_server_gets_the_same_rows_as_a_folder(few: Path, clickhouse_server: str) -> None:
    server, folder = f"{clickhouse_server}/replay_e2e", embedded(few / "maalstrom-data" / "clickhouse")
    for dsn in (server, folder):
        ok(maalstrom(*FEW, cwd=few, env={"MAALSTROM_CLICKHOUSE": dsn}))
    assert (few / "maalstrom-data" / "token-key").exists()
    assert dump(server) == dump(folder)


def test_people_known_by_several_tokens(few: Path) -> None:
    touches = [touch(f"e-{token}", NOON, user=None, anonymous=token) for token in ("phone", "kiosk", "tablet")]
    touches.append(touch("e-desk", NOON + 1, "spring", user="ida", anonymous="kiosk"))
    orders = [order(f"o-{user}", NOON + 2, user, user=user) for user in ("ida", "kim", "lea")]
    orders.append(order("o-phone", NOON + 2, "by phone", user=None, anonymous="phone"))
    links = [identify("i1", NOON, "phone", "ida"), alias("i2", NOON, "kiosk", "kim"), alias("i3", NOON, "tablet", "")]
    for name, lines in (("e", touches), ("c", orders), ("i", [*links, links[0]])):
        (few / f"{name}.ndjson").write_bytes(b"\n".join(lines))

    dsn = embedded(few / "clickhouse")
    done = ok(maalstrom(*FEW, "--identity", "i.ndjson", "--clickhouse", dsn, cwd=few, env=KEYED))

    assert "1 duplicate" in done.err
    assert "ignored: 1 alias" in done.err
    assert not (few / "dead-letters.ndjson").exists()
    told = ok(maalstrom("report", "--goal", "orders", "--clickhouse", dsn, env={"COLUMNS": "100"})).out
    assert re.search(r"identifier shared by several people +1 ", told)
    topics = {"engagement": touches, "checkout": orders, "identity": links}
    records = [(topic, line) for topic, lines in topics.items() for line in lines]
    assert unlike_reference(dsn, CATALOGUE, records) == ""


def test_costs_come_with_the_events(few: Path) -> None:
    cost = '{"id": "%s", "campaign": "autumn", "day": "2026-11-01", "kind": "money", "amount": "%s", "currency": "NOK"}'
    (few / "costs.ndjson").write_text("\n".join([cost % ("a", "60.00"), cost % ("b", "-1"), cost % ("c", "40.00")]))
    dsn = embedded(few / "clickhouse")
    done = ok(maalstrom(*FEW, "--costs", "costs.ndjson", "--clickhouse", dsn, cwd=few))
    assert "1 dead letters (1 malformed)" in done.err
    with connect(dsn) as client:
        (row,) = client.query("SELECT * FROM campaign_return WHERE campaign = 'autumn' AND model = 'linear'")
    assert (row["cost"], row["conversions"], row["value"]) == (100, 1, 100)


def test_replace_leaves_nothing_of_what_was_there(few: Path) -> None:
    dsn = embedded(few / "clickhouse")
    ok(maalstrom(*FEW, "--clickhouse", dsn, cwd=few, env=KEYED))
    lines = [touch("e3", NOON, "radio"), touch("e4", NOON + 3)]
    (few / "e.ndjson").write_bytes(b"\n".join(lines))
    (few / "c.ndjson").write_bytes(order("o9", NOON + 2, "Z"))
    ok(maalstrom(*FEW, "--clickhouse", dsn, "--replace", cwd=few, env=KEYED))
    records = [*(("engagement", line) for line in lines), ("checkout", order("o9", NOON + 2, "Z"))]
    assert unlike_reference(dsn, CATALOGUE, records) == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--engagement", "none.ndjson"], r"none\.ndjson: No such file or directory"),
        (["--costs", "none.ndjson"], r"none\.ndjson: No such file or directory"),
        (["--engagement", "cut.gz"], r"cut\.gz: cannot be decompressed to its end \(.*\); make the file again, or "),
        (["--catalogue", "bad.toml"], r"bad\.toml:3: name is 3, not a text; write name = "),
        (["--clickhouse", "mysql://here"], r"a DSN starts with chdb:// or clickhouse://, not 'mysql'; write "),
    ],
)
def test_what_fails_says_so_in_one_line(few: Path, arguments: list[str], says: str) -> None:
    (few / "bad.toml").write_text('[[goal]]\nid = "x"\nname = 3\n')
    (few / "cut.gz").write_bytes(gzip.compress(touch("e1", NOON) * 50)[:-20])
    given = [*FEW, "--clickhouse", "chdb://memory", *arguments]
    _refused(maalstrom(*given, cwd=few), says)


def test_a_folder_in_use_is_refused(few: Path) -> None:
    with connect(embedded(few / "clickhouse")) as holder:
        holder.create_database()
        done = maalstrom(*FEW, "--clickhouse", embedded(few / "clickhouse"), cwd=few)
    _refused(done, f"process {os.getpid()} has the folder open, and an embedded database belongs to one; stop that")


def _refused(done: Done, says: str) -> None:
    assert done.status == 1
    assert re.fullmatch(rf"Error: .*{says}.*\n", done.err), done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay", "--catalogue", "catalogue.toml"], "nothing to read: name files with --events"),
        (["replay", "e.ndjson", "--catalogue", "catalogue.toml"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_ends_with_2(few: Path, arguments: list[str], says: str) -> None:
    done = maalstrom(*arguments, cwd=few)
    assert (done.status, done.out) == (2, "")
    assert says in done.err
