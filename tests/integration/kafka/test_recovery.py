"""What is restored where a group shares out its partitions again before the last recovery is complete."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from deploy.kafka.broker import Broker

PARTITIONS, SEGMENTS, ROUNDS = 2, 60, 25  # as in the app
APP = "tests.integration.support.rejoining_app"

pytestmark = pytest.mark.faults


def test_a_journal_is_restored_whole_however_often_its_group_shares_out_meanwhile(
    kafka: Broker, tmp_path: Path
) -> None:
    group = "shares-out"
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap) as admin:
        admin.create_topics(
            {
                f"{group}-{topic}": {"num_partitions": PARTITIONS, "replication_factor": 1}
                for topic in ("source", "journal-changelog")
            },
            wait_for_metadata=True,
        )
    environment = {"TEST_BOOTSTRAP": kafka.bootstrap, "TEST_GROUP": group, "TEST_DATADIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", APP, "worker", "--without-web"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    rounds = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert rounds == [[str(SEGMENTS)] * PARTITIONS] * ROUNDS, done.stderr[-2000:]
