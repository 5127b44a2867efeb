"""A Faust app on the batch transport, for workers of tests and benchmarks; they are processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faust


def batch_app(group: str, bootstrap: str, datadir: str | Path, **more: Any) -> faust.App:
    """An app of that group on that broker, which makes no topics and recovers at once."""
    return faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        broker_consumer=f"batch://{bootstrap}",
        autodiscover=False,
        datadir=str(datadir),
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        stream_recovery_delay=0.0,
        **more,
    )
