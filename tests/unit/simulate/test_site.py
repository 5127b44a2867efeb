"""A simulated site: repeatable, like a real one, and the oracle finds in it exactly what its truth says."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from streams.core.catalogue.parse import parse
from streams.core.catalogue.readings import readings
from streams.core.door.plain.batches import BatchReader
from streams.core.door.sources_toml import parse as parse_sources
from streams.simulate.site import Month, Site, month, write
from streams.simulate.site.words import SOURCES, catalogue
from tests.oracle import Result, settings
from tests.support.door import door_sides
from tests.support.site.site_truth import by_the_oracle, told_orders, true_orders

CLEAN, DIRTY = Site(events=1500, seed=3), Site(events=3000, seed=4, dirt=0.3)
CATALOGUE = catalogue(DIRTY.start, DIRTY.days)
SETTINGS = settings.Catalogue(CATALOGUE), settings.Sources(SOURCES)
READING = readings(parse(CATALOGUE), parse_sources(SOURCES))["events"]


@pytest.fixture(scope="module", params=[CLEAN, DIRTY], ids=["clean", "dirty"])
def told(request: pytest.FixtureRequest) -> tuple[Month, Result]:
    return month(request.param), by_the_oracle(request.param)


@pytest.fixture(scope="module")
def dirty() -> Month:
    return month(DIRTY)


def test_the_same_site_sends_the_same_and_another_seed_does_not() -> None:
    assert month(CLEAN) == month(CLEAN)
    others = {record.value for record in month(Site(events=1500, seed=5)).records}
    assert not others & {record.value for record in month(CLEAN).records}


def test_each_order_is_worth_what_is_true_and_through_those_campaigns(told: tuple[Month, Result]) -> None:
    made, result = told
    assert told_orders(result.conversions) == true_orders(made.truth)


def test_each_message_becomes_what_is_true(told: tuple[Month, Result]) -> None:
    (_, truth), result = (told[0], told[0].truth), told[1]
    outcomes: Counter[str] = Counter()
    for (_, outcome, _), n in result.outcomes.items():
        outcomes[outcome] += n
    assert outcomes == truth["outcomes"]
    assert {name: n for (_, name), n in result.ignored.items()} == truth["ignored"]
    assert {place: n for (_, place), n in result.faults.items()} == truth["faults"]
    assert [{"line": d.record + 1, "reason": d.reason} for d in result.dead_letters] == truth["dead_letters"]
    assert result.unknown_orders == set(truth["unsettled"]["unknown_order"])
    assert result.currency_mismatches == set(truth["unsettled"]["currency_mismatch"])
    assert (result.conflicting_ids, result.order_conflicts) == (Counter(), set())


def test_the_door_takes_each_message_for_what_the_oracle_does(dirty: Month) -> None:
    for record in dirty.records:
        wanted = list(door_sides.by_the_oracle(*SETTINGS, "events", record.value))
        assert list(door_sides.by_the_door(READING, record.value)) == wanted


def test_batches_through_the_door_end_as_the_truth_says(dirty: Month) -> None:
    reader, values, truth = BatchReader(READING), [record.value for record in dirty.records], dirty.truth
    ignored: Counter[str] = Counter()
    used, letters = 0, []
    for at in range(0, len(values), 700):
        batch = reader.read(values[at : at + 700])
        ignored.update(batch.ignored)
        used += len(batch.touches.at) + len(batch.events)
        records = batch.records or range(len(batch.raws))
        letters += [{"line": at + records[i] + 1, "reason": rejected.reason} for i, rejected in batch.rejected]
    assert ignored == truth["ignored"]
    assert letters == truth["dead_letters"]
    assert used == sum(truth["outcomes"].get(name, 0) for name in ("accepted", "no_consent", "repeated", "duplicate"))


def test_a_site_sends_pages_above_all_and_everything_happens_in_a_month() -> None:
    made = month(Site(events=8000, dirt=0.05))
    texts = [record.value for record in made.records]
    assert 0.9 < sum(made.truth["outcomes"].values()) / 8000 < 1.1
    assert 0.4 < sum(made.truth["ignored"].values()) / 8000 < 0.7
    assert 0.02 < sum(text.startswith(b'{"batch":') for text in texts) / len(texts) < 0.2
    facts = made.truth["orders"]
    happened: dict[str, set[Any]] = {key: {fact[key] for fact in facts} for key in ("status", "reason", "currency")}
    assert happened["status"] == {"open", "partly_reversed", "reversed"}
    assert happened["reason"] == {"", "no_consent", "no_touch", "out_of_window", "no_token", "ambiguous_identity"}
    assert happened["currency"] == {"NOK", "EUR", "SEK"}
    campaigns = {touch[1] for fact in facts for touch in fact["touches"]}
    assert campaigns >= {"autumn", "newsletter", "black week 24", "(google)", "(search)", "blog", "makers"}
    assert all(made.truth["unsettled"].values())
    assert {letter["reason"] for letter in made.truth["dead_letters"]} == {"malformed", "oversized"}


def test_everything_is_written_as_files(tmp_path: Path) -> None:
    site = Site(events=300, days=3, start=date(2026, 2, 27))
    made = write(tmp_path / "new", site)
    assert (tmp_path / "new" / "events.ndjson").read_bytes().splitlines() == [r.value for r in made.records]
    assert json.loads((tmp_path / "new" / "truth.json").read_text(encoding="utf-8")) == made.truth
    assert (tmp_path / "new" / "catalogue.toml").read_text(encoding="utf-8") == catalogue(site.start, site.days)
    assert (tmp_path / "new" / "sources.toml").read_text(encoding="utf-8") == SOURCES


@pytest.mark.parametrize("events", [0, 1, 50])
def test_small_sites_hold_together(events: int) -> None:
    assert bool(month(Site(events=events, days=1)).records) == (events > 0)


@pytest.mark.parametrize("bad", [{"dirt": 1.2}, {"duplicates": -0.1}, {"events": -1}, {"days": 0}])
def test_an_impossible_site_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="site"):
        Site(**bad)
