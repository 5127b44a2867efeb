"""Alerts: a drop with what it is due to, as the record of topic `alerts` and as rows of the table `alerts`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np

from streams.core.causes import EXPLAINED, Loss, Verdict
from streams.core.drops import Drop
from streams.core.money import MICRO
from streams.core.rows import Columns, Ragged


@dataclass(frozen=True, slots=True)
class Alert:
    """A goal (its id) with a drop, why, and which campaigns and networks lost most, the largest loss first."""

    goal: str
    drop: Drop
    verdict: Verdict
    campaigns: Sequence[Loss]
    networks: Sequence[Loss]


def record(alert: Alert) -> bytes:
    """The record of topic `alerts`, JSON in UTF-8; its key is the goal's id. Times are RFC 3339, UTC."""
    drop, verdict = alert.drop, alert.verdict
    return msgspec.json.encode(
        {
            "goal": alert.goal,
            "since": _moment(drop.since),
            "detected_at": _moment(drop.raised + 1),
            "expected": round(drop.expected, 1),
            "seen": drop.seen,
            "cause": verdict.cause,
            "explanation": EXPLAINED[verdict.cause],
            "sources": verdict.sources,
            "campaigns": [loss._asdict() for loss in alert.campaigns],
            "networks": [loss._asdict() for loss in alert.networks],
        }
    )


def _moment(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).isoformat().replace("+00:00", "Z")


def columns(alerts: Sequence[Alert], version: int) -> Columns:
    """Rows of the table `alerts`. A later version of the same goal and beginning replaces the earlier one."""
    drops = [alert.drop for alert in alerts]
    return {
        "goal": [alert.goal for alert in alerts],
        "since": np.array([drop.since * 60 for drop in drops], np.int64),
        "detected_at": np.array([(drop.raised + 1) * 60 for drop in drops], np.int64),
        "expected": np.array([round(drop.expected * MICRO) for drop in drops], np.int64),
        "seen": np.array([round(drop.seen * MICRO) for drop in drops], np.int64),
        "cause": [alert.verdict.cause for alert in alerts],
        "campaigns": _names([alert.campaigns for alert in alerts]),
        "networks": _names([alert.networks for alert in alerts]),
        "version": np.full(len(alerts), version, np.uint64),
    }


def _names(losses: Sequence[Sequence[Loss]]) -> Ragged:
    return Ragged(np.cumsum([0, *map(len, losses)]), [loss.name for lost in losses for loss in lost])
