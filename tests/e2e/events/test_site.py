"""A real site's month from one file: `replay` says of it what the oracle says, and what is true."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import TOKEN_KEY, embedded, maalstrom, ok
from tests.integration.support.written import differences, read_tables, summary
from tests.oracle import attribute
from tests.support.site.site_truth import told_orders, true_orders

SITE = ("--as", "site", "--events", "6000", "--dirt", "0.15", "--seed", "21")


def test_a_replay_of_a_site_is_what_the_oracle_says_and_what_is_true(tmp_path: Path) -> None:
    ok(maalstrom("simulate", tmp_path, *SITE))
    dsn = embedded(tmp_path / "db")
    files = {name: tmp_path / f"{name}.toml" for name in ("catalogue", "sources")}
    given = [part for name, file in files.items() for part in (f"--{name}", file)]
    arguments = ("--events", tmp_path / "events.ndjson", *given, "--clickhouse", dsn)
    ok(maalstrom("replay", *arguments, cwd=tmp_path, env={"MAALSTROM_TOKEN_KEY": TOKEN_KEY}))
    with connect(dsn) as client:
        found = read_tables(client)
    truth = json.loads((tmp_path / "truth.json").read_text("utf-8"))
    records = [("events", line) for line in (tmp_path / "events.ndjson").read_bytes().splitlines()]
    wanted = attribute(files["catalogue"].read_text("utf-8"), records, files["sources"].read_text("utf-8"))
    assert not (lines := differences(found, wanted, TOKEN_KEY.encode())), summary(lines)
    assert told_orders(found.conversions) == true_orders(truth)
    assert _dead_letters(tmp_path / "dead-letters.ndjson") == _made_on_purpose(truth)


def _dead_letters(file: Path) -> Counter[str]:
    return Counter(json.loads(line)["reason"] for line in file.read_bytes().splitlines())


def _made_on_purpose(truth: dict[str, Any]) -> Counter[str]:
    unsettled = Counter({reason: len(ids) for reason, ids in truth["unsettled"].items()})
    return Counter(letter["reason"] for letter in truth["dead_letters"]) + unsettled
