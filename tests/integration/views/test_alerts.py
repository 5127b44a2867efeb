"""Alerts reach the table `alerts`, and say the same on the topic."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from streams.core.detection.alert import Alert, columns, record
from streams.core.detection.detector import Drop
from streams.core.detection.diagnosis import Diagnosis, Loss
from streams.sinks.clickhouse.client import Client
from streams.sinks.writer import write_rows

MINUTE = int(datetime(2026, 11, 2, 9, 30, tzinfo=UTC).timestamp()) // 60
ALERT = Alert(
    "customers",
    Drop(0, MINUTE, MINUTE + 24, 30.25, 4.0),
    Diagnosis("tag", ("web",)),
    [Loss("autumn", 20.0, 0.7619), Loss("høst", 6.2512, 0.2381)],
    [],
)


def test_a_row_says_since_when_how_many_and_who(emptied: Client) -> None:
    write_rows(emptied, {"alerts": columns([ALERT], 1)})
    again = Alert("customers", ALERT.drop._replace(seen=5.0), Diagnosis("conversions"), ALERT.campaigns, ALERT.networks)
    write_rows(emptied, {"alerts": columns([again], 2)})
    assert emptied.query("SELECT * FROM alerts FINAL") == [
        {
            "goal": "customers",
            "since": datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
            "detected_at": datetime(2026, 11, 2, 9, 55, tzinfo=UTC),
            "expected": Decimal("30.25"),
            "seen": Decimal(5),
            "cause": "conversions",
            "campaigns": ["autumn", "høst"],
            "networks": [],
            "version": 2,
        }
    ]


def test_a_record_says_it_to_people() -> None:
    found = json.loads(record(ALERT))
    assert (found["goal"], found["since"], found["detected_at"]) == (
        "customers",
        "2026-11-02T09:30:00Z",
        "2026-11-02T09:55:00Z",
    )
    assert (found["expected"], found["seen"], found["cause"], found["sources"]) == (30.2, 4.0, "tag", ["web"])
    assert "tag or checkout is broken" in found["explanation"]
    assert found["campaigns"][1] == {"name": "høst", "missing": 6.3, "share": 0.24}
