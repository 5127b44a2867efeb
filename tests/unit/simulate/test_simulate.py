"""The simulated month: repeatable to the byte, shaped as asked, and true about its causes."""

import hashlib
import json
import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streams.core.catalogue.parse import parse
from streams.core.parsing.units import HOUR
from streams.simulate import Scenario, Simulated, catalogue_text, causes, costs, generate, write
from streams.simulate.campaigns import EFFORTS
from streams.simulate.plan import plan

SCENARIO = Scenario(events=20_000, seed=7)
RECORDS = list(generate(SCENARIO))
EVENTS: list[dict[str, Any]] = [json.loads(record.value) for record in RECORDS]
CATALOGUE = parse(catalogue_text())
ARRIVED = list(zip(RECORDS, EVENTS, strict=True))


def distinct(topic: str) -> list[dict[str, Any]]:
    return list({event["messageId"]: event for record, event in ARRIVED if record.topic == topic}.values())


def milliseconds(event: dict[str, Any]) -> int:
    return round(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000)


def campaign(event: dict[str, Any]) -> str:
    given = event["context"].get("campaign", {})
    return CATALOGUE.resolve(given.get("id"), given.get("name"), event["properties"].get("coupon"))


def digest(records: list[Simulated]) -> str:
    return hashlib.sha256(repr(records).encode()).hexdigest()


def test_the_same_scenario_gives_the_same_bytes_whatever_the_global_seeds() -> None:
    random.seed(1)
    np.random.seed(1)
    assert digest(list(generate(SCENARIO))) == digest(RECORDS)
    assert causes(SCENARIO) == causes(SCENARIO)


def test_another_seed_gives_other_events() -> None:
    others = {record.value for record in generate(Scenario(events=20_000, seed=8))}
    assert not others & {record.value for record in RECORDS}


def test_as_many_events_as_asked_nearly_all_engagement_and_about_450_bytes() -> None:
    topics = Counter(record.topic for record in RECORDS)
    assert sum(topics.values()) == 20_000
    assert topics["engagement"] / 20_000 == pytest.approx(0.98, abs=0.002)
    assert 400 < sum(len(record.value) for record in RECORDS) / 20_000 < 500


def test_the_key_is_the_routing_key() -> None:
    for record, event in ARRIVED:
        assert record.key == (event.get("userId") or event.get("anonymousId") or event["messageId"])


def test_duplicates_are_the_same_bytes_again() -> None:
    times = Counter(record.value for record in RECORDS)
    assert sum(times.values()) - len(times) == 200
    assert len({event["messageId"] for event in EVENTS}) == len(times)


def test_arrival_is_nearly_but_not_quite_the_order_of_event_time() -> None:
    times = [milliseconds(event) for event in EVENTS]
    newest = np.maximum.accumulate(times)
    hours_late = float(np.mean(newest - np.array(times) > 3_600_000))
    assert 0.02 < hours_late < 0.05
    calm = [json.loads(r.value) for r in generate(Scenario(events=5_000, disorder=0, duplicates=0))]
    assert max(np.maximum.accumulate([milliseconds(e) for e in calm]) - [milliseconds(e) for e in calm]) < 60_000


def test_all_events_fall_into_the_period_and_follow_day_and_week() -> None:
    times = [datetime.fromisoformat(event["timestamp"]) for event in distinct("engagement")]
    assert min(times) >= datetime(2026, 10, 1, tzinfo=UTC)
    assert max(times) < datetime(2026, 11, 1, tzinfo=UTC)
    hours, weekdays = Counter(t.hour for t in times), Counter(t.weekday() for t in times)
    assert hours[20] > 5 * hours[3]
    assert weekdays[5] / 5 > weekdays[0] / 4


def test_every_action_network_and_spelling_of_a_campaign_resolves() -> None:
    listed = {listed.id for listed in CATALOGUE.campaigns}
    seen = defaultdict(set)
    for event in distinct("engagement"):
        seen[campaign(event)].add(event["properties"]["action"])
    assert set(seen) == listed | {""}
    assert {"impression", "like", "unlike", "follow", "unfollow", "comment", "click"} <= seen["autumn"]


def test_consent_anonymity_and_missing_tokens_occur_and_a_user_is_consistent() -> None:
    by_browser = defaultdict(set)
    for event in distinct("engagement"):
        if event.get("anonymousId"):
            by_browser[event["anonymousId"]].add((event["userId"], json.dumps(event["context"].get("consent"))))
    assert all(len(seen) == 1 for seen in by_browser.values())
    users = [next(iter(seen)) for seen in by_browser.values()]
    assert np.mean([user is None for user, _ in users]) == pytest.approx(0.25, abs=0.05)
    assert np.mean(["false" in consent for _, consent in users]) == pytest.approx(0.08, abs=0.03)
    nameless = [event for event in distinct("engagement") if event["userId"] is None and "anonymousId" not in event]
    assert 0.005 < len(nameless) / len(distinct("engagement")) < 0.02


def test_checkout_has_orders_enquiries_reversals_and_completions_again() -> None:
    names = Counter(event["event"] for event in distinct("checkout"))
    assert set(names) == {"Order Completed", "Enquiry Answered", "Order Refunded", "Order Cancelled"}
    completed = Counter(
        e["properties"]["order_id"] for e in distinct("checkout") if not e["event"].startswith("Order R")
    )
    assert set(causes(SCENARIO)) >= set(completed)
    assert max(completed.values()) > 1
    reversals = names["Order Refunded"] + names["Order Cancelled"]
    assert reversals / len(causes(SCENARIO)) == pytest.approx(0.08, abs=0.005)
    amounts = [("total" in e["properties"]) for e in distinct("checkout") if e["event"] == "Order Refunded"]
    assert any(amounts)
    assert not all(amounts)


def test_every_order_has_a_true_cause() -> None:
    truth = causes(SCENARIO)
    shares = Counter(truth.values())
    assert shares["organic"] / len(truth) == pytest.approx(0.3, abs=0.01)
    assert set(shares) == {listed.id for listed in CATALOGUE.campaigns} | {"organic"}


def test_a_caused_order_follows_a_touch_of_its_cause_unless_it_carries_the_coupon() -> None:
    truth = causes(SCENARIO)
    touched = defaultdict(list)
    for event in distinct("engagement"):
        touched[event.get("anonymousId"), campaign(event)].append(milliseconds(event))
    explained = []
    for event in distinct("checkout"):
        cause = truth[event["properties"]["order_id"]]
        if cause != "organic" and event["event"] in CATALOGUE.events and event.get("anonymousId"):
            before = [t for t in touched[event["anonymousId"], cause] if 0 <= milliseconds(event) - t <= 7 * 86_400_000]
            explained.append(bool(before) or campaign(event) == cause)
    assert np.mean(explained) > 0.95  # the rest clicked in an event without any token


def test_the_catalogue_has_the_three_goals_with_targets() -> None:
    goals = {goal.id: goal for goal in parse(catalogue_text(date(2026, 3, 1), 10)).goals}
    assert goals["new-customers"].target == 100
    assert goals["new-customers"].by == date(2026, 3, 10)
    assert goals["enquiries"].value == 2_680_000
    assert all(goal.target and goal.by for goal in goals.values())


@pytest.mark.parametrize("events", [0, 1, 2, 10, 60])
def test_small_scenarios_hold_together(events: int) -> None:
    scenario = Scenario(events=events, days=1)
    assert len(list(generate(scenario))) == events


@pytest.mark.parametrize("bad", [{"organic": 1.2}, {"refunds": -0.1}, {"events": -1}, {"days": 0}, {"users": 0}])
def test_an_impossible_scenario_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="scenario"):
        Scenario(**bad)


def test_everything_is_written_as_files(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    summary = write(out, SCENARIO)
    for topic in ("engagement", "checkout"):
        lines = (out / f"{topic}.ndjson").read_bytes().splitlines()
        assert lines == [record.value for record in RECORDS if record.topic == topic]
        assert len(lines) == getattr(summary, topic)
    truth = [json.loads(line) for line in (out / "truth.ndjson").read_text().splitlines()]
    assert {line["order_id"]: line["cause"] for line in truth} == causes(SCENARIO)
    assert (summary.orders, summary.organic) == (len(truth), sum(line["cause"] == "organic" for line in truth))
    assert parse((out / "catalogue.toml").read_text(encoding="utf-8")) == CATALOGUE


def test_orders_do_not_pile_up_at_the_end_of_the_period() -> None:
    """The last half-days have about as many orders as such half-days of the weeks before."""
    scenario = Scenario(events=400_000)
    orders = plan(scenario).orders
    halves = np.bincount((orders.time - scenario.begin) // (12 * HOUR), minlength=2 * scenario.days)
    last, before = halves[-2:].sum(), [halves[-2 - 14 * n : len(halves) - 14 * n].sum() for n in (1, 2, 3)]
    assert last < 1.3 * np.mean(before)


def test_the_town_spends_on_every_campaign_and_the_records_are_costs() -> None:
    written = list(costs(Scenario()))
    assert {record.key for record in written} == {effort.id for effort in EFFORTS}
    taken = [json.loads(record.value) for record in written]
    assert len({record["id"] for record in taken}) == len(taken)
    assert {record["kind"] for record in taken} == {"money", "hours"}
