"""Mutated records of every topic among good ones: `make fuzz MINUTES=5`, or again as it was with SEED and STEPS."""

from __future__ import annotations

import os
import time
from collections import Counter
from itertools import islice

import pytest

from streams.core.events.topics import FORWARDED
from streams.kafka import dlq
from tests.integration.support.fuzz import send, steps
from tests.integration.support.harness import EVENTS, TOKEN_KEY, Rig
from tests.integration.support.processes import Worker
from tests.integration.support.records import Record
from tests.integration.support.written import Tables, differences, summary
from tests.oracle import Result
from tests.support.judged import expected

pytestmark = pytest.mark.faults

MINUTES = float(os.environ.get("MINUTES") or 1)
SEED = int(os.environ.get("SEED") or 1)
STEPS = int(os.environ["STEPS"]) if os.environ.get("STEPS") else None  # so many, and then one check
CHECK_S, PAUSE_S, PATIENCE_S = 60, 0.3, 180
NO_LIMIT = {"MAALSTROM_DLQ_RATIO": "0", "MAALSTROM_DLQ_CONSECUTIVE": "0"}  # half of everything is bad, on purpose


def test_the_records_of_a_seed_are_always_the_same(rig: Rig) -> None:
    one, again, other = (list(islice(steps(seed, rig.catalogue), 3)) for seed in (7, 7, 8))
    assert one == again != other


def test_good_events_count_whatever_comes_between(rig: Rig) -> None:
    worker = rig.worker(None, **NO_LIMIT)
    worker.start()
    good, done = list[Record](), 0
    ends, checked = time.monotonic() + 60 * MINUTES, time.monotonic()
    try:
        for done, step in enumerate(islice(steps(SEED, rig.catalogue), STEPS), 1):
            send(rig.bootstrap, step, SEED + done)
            good += step.good
            time.sleep(PAUSE_S)
            if STEPS is None and time.monotonic() > min(checked + CHECK_S, ends):
                check(rig, worker, good)
                checked = time.monotonic()
                if checked > ends:
                    break
        check(rig, worker, good)
    except BaseException as error:
        error.add_note(f"Again: make fuzz SEED={SEED} STEPS={done}")
        raise
    topics = (*EVENTS, FORWARDED, "erasures", "costs")
    letters = Counter((letter.source, letter.reason) for letter in dlq.read(rig.bootstrap, topics, dlq.Filter()))
    assert not [source for source, reason in letters if reason == "internal" and source in EVENTS]
    print(f"seed {SEED}: {done} steps, {len(good)} good records, dead letters: {dict(sorted(letters.items()))}")


def check(rig: Rig, worker: Worker, good: list[Record]) -> None:
    """The worker lives, has read all, has met no defect, and the good records' figures are those of the reference."""
    wanted = of_good(expected([(record.topic, record.value) for record in good], rig.catalogue_text))
    deadline = time.monotonic() + PATIENCE_S
    while problem := problems(rig, worker, wanted):
        assert worker.running, f"the worker ended:\n{worker.tail()}"
        assert time.monotonic() < deadline, f"{problem}\n{worker.tail()}"
        time.sleep(0.5)
    said = worker.said()
    assert "a defect of ours" not in said, said[said.index("a defect of ours") - 200 :][:4000]
    assert "Traceback" not in said, said[said.index("Traceback") - 200 :][:4000]


def problems(rig: Rig, worker: Worker, wanted: Result) -> str:
    if behind := rig.behind((*EVENTS, FORWARDED, "erasures", "costs")):
        return f"{behind} records are not committed"
    found = rig.tables()
    orders = {key: row for key, row in found.conversions.items() if key in wanted.conversions}
    counts = {key: n for key, n in found.engagement_counts.items() if key in wanted.engagement_counts}
    seen = Tables(wanted.goal_attribution, orders, counts)
    lines = differences(seen, wanted, TOKEN_KEY.encode())
    return summary(lines) if lines else ""


def of_good(result: Result) -> Result:
    """The figures that no mutant can be part of: orders by their ids, engagement of campaigns that have a name."""
    counts = {key: n for key, n in result.engagement_counts.items() if key[1] and not key[1].startswith("(")}
    result.engagement_counts.clear()
    result.engagement_counts.update(counts)
    return result
