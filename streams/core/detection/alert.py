"""Alerts: a drop with what it is due to, as the record of topic `alerts` and as rows of the table `alerts`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np

from streams.core.columns.column import Columns, Ragged
from streams.core.detection.detector import Drop
from streams.core.detection.diagnosis import (
    EXPLAINED,
    CampaignCounts,
    Diagnosis,
    ExpectedSeen,
    Loss,
    Pipeline,
    diagnose,
    losses,
)
from streams.core.parsing.units import MICRO


@dataclass(frozen=True, slots=True)
class Alert:
    """A goal (its id) with a drop, why, and which campaigns and networks lost most, the largest loss first."""

    goal: str
    drop: Drop
    verdict: Diagnosis
    campaigns: Sequence[Loss]
    networks: Sequence[Loss]


def explained(
    goal: str, drop: Drop, parts: Sequence[CampaignCounts], engagement: ExpectedSeen, pipeline: Pipeline
) -> Alert:
    """The alert of a drop. A source of checkouts is the network that its buyers came from."""
    campaigns, networks = (_flows(drop.expected, parts, by) for by in ("campaign", "network"))
    why = diagnose(ExpectedSeen(drop.expected, drop.seen), pipeline, engagement, networks)
    return Alert(goal, drop, why, _losses(drop.expected, campaigns), _losses(drop.expected, networks))


def _flows(expected: float, parts: Sequence[CampaignCounts], by: str) -> dict[str, ExpectedSeen]:
    """What was expected in all, shared out by campaign or network as it usually comes, and what was seen."""
    usual, seen = defaultdict[str, float](float), defaultdict[str, float](float)
    for part in parts:
        usual[getattr(part, by)] += part.usual
        seen[getattr(part, by)] += part.seen
    total = sum(usual.values())
    return {name: ExpectedSeen(expected * count / total, seen[name]) for name, count in usual.items() if count > 0}


def _losses(expected: float, flows: Mapping[str, ExpectedSeen]) -> list[Loss]:
    """Who lost them; what is unattributed is nobody's."""
    usual = {name: flow.expected for name, flow in flows.items()}
    seen = {name: flow.seen for name, flow in flows.items()}
    return [loss for loss in losses(expected, usual, seen) if loss.name]


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
            "campaigns": _told(alert.campaigns),
            "networks": _told(alert.networks),
        }
    )


def _told(losses: Sequence[Loss]) -> list[dict[str, str | float]]:
    """As exact as an estimate is read."""
    return [{"name": loss.name, "missing": round(loss.missing, 1), "share": round(loss.share, 2)} for loss in losses]


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
