"""The catalogue is read again at SIGHUP: what it says of what is retained is what a replay would say."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import SHOP, embedded, maalstrom, ok, unlike_reference
from tests.e2e.pipeline import Pipeline, stop
from tests.integration.support.records import Record
from tests.support.messages import HOUR, order, touch

BEFORE = f"""{SHOP}[[campaign]]
id = "autumn"
name = "Autumn"
"""
AFTER = BEFORE + 'aliases = ["hast"]\n'
MEMBERS = '[[goal]]\nid = "members"\nname = "Members"\nevent = "Joined"\nunit = "members"\nvalue = 10\n'


def _campaigns(dsn: str) -> list[tuple[str, str, int]]:
    query = """
    SELECT goal, campaign, toInt64(sum(conversions)) AS n FROM goal_attribution FINAL
    WHERE model = 'last' GROUP BY ALL HAVING n != 0 ORDER BY ALL
    """
    with connect(dsn) as client:
        return [(row["goal"], row["campaign"], row["n"]) for row in client.query(query)]


def test_what_the_catalogue_says_now_holds_for_what_is_retained(tmp_path: Path) -> None:
    now = time.time_ns() // 1_000_000
    joined = json.dumps(
        {"type": "track", "event": "Joined", "messageId": "j", "userId": "u", "timestamp": now - HOUR}
    ).encode()
    values = [touch("t", now - 2 * HOUR, "hast", user="u"), order("o", now - HOUR, "o", user="u"), joined]
    records = [Record("events", b"u", value) for value in values]
    with Pipeline(tmp_path, BEFORE) as pipeline:
        worker = pipeline.start()
        pipeline.feed(worker, records)
        pipeline.until(worker, lambda: pipeline.at_rest(worker))
        catalogue = tmp_path / "catalogue.toml"
        catalogue.write_text("[[goal", "utf-8")
        os.kill(worker.pid, signal.SIGHUP)
        pipeline.until(worker, lambda: "not read again, and what was read before stays" in worker.said())
        catalogue.write_text(AFTER + MEMBERS, "utf-8")
        os.kill(worker.pid, signal.SIGHUP)
        pipeline.until(worker, lambda: "were read again" in worker.said())
        pipeline.until(worker, lambda: pipeline.at_rest(worker))
        late = Record("events", b"v", joined.replace(b'"j"', b'"k"').replace(b'"u"', b'"v"'))
        pipeline.feed(worker, [late])
        stop(worker)
        dsn = pipeline.dsn
    # What no goal counted was ignored when it came: it counts from then on.
    assert _campaigns(dsn) == [("members", "", 1), ("orders", "autumn", 1)]
    kept = [("events", record.value) for record in (*records[:2], late)]
    unlike = unlike_reference(dsn, AFTER + MEMBERS, kept).splitlines()[1:]
    assert [line for line in unlike if not line.startswith("engagement_counts")] == []  # they keep the written word
    with connect(dsn) as client:
        causes = client.query("SELECT DISTINCT cause FROM goal_restatements FINAL")
    assert [row["cause"] for row in causes] == ["catalogue"]
    (tmp_path / "events.ndjson").write_bytes(b"\n".join(record.value or b"" for record in (*records[:2], late)))
    other, files = embedded(tmp_path / "other"), ("--events", "events.ndjson", "--catalogue", "catalogue.toml")
    ok(maalstrom("replay", *files, "--clickhouse", other, cwd=tmp_path))
    assert _campaigns(other) == _campaigns(dsn)
