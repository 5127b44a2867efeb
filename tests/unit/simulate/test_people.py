"""Who the simulated people are to a site: several tokens, shared browsers, and campaigns that they are not shown."""

import json
from collections import Counter, defaultdict
from typing import Any

import pytest

from streams.core.catalogue.parse import parse
from streams.core.lift.holdout import Holdouts
from streams.simulate import Scenario, catalogue_text, causes, generate

KEY = b"a secret of the tests"
PLAIN: dict[str, Any] = {"events": 20_000, "seed": 3, "users": 400, "duplicates": 0.0}
CATALOGUE = parse(catalogue_text(holdout=0.3))
TESTED = {"autumn", "makers", "search", "newsletter"}


def events(topic: str, **chosen: Any) -> list[dict[str, Any]]:
    scenario = Scenario(**PLAIN | chosen)
    return [json.loads(record.value) for record in generate(scenario) if record.topic == topic]


def campaign(event: dict[str, Any]) -> str:
    given = event["context"].get("campaign", {})
    return CATALOGUE.resolve(given.get("id"), given.get("name"), None)


def test_who_logs_in_late_is_known_by_both_tokens_from_the_first_order_on() -> None:
    known = defaultdict(list)
    for event in sorted(events("engagement", late_logins=1, anonymous=0), key=lambda event: event["timestamp"]):
        if event.get("anonymousId"):
            known[event["anonymousId"]].append(event["userId"] is not None)
    assert all(by_time == sorted(by_time) for by_time in known.values())
    assert 0.2 < sum(map(sum, known.values())) / sum(map(len, known.values())) < 0.9
    orders = [event for event in events("checkout", late_logins=1, anonymous=0) if event.get("anonymousId")]
    assert all(event["userId"] for event in orders)


def test_a_shared_browser_has_two_users() -> None:
    users = defaultdict(set)
    for event in events("engagement", shared=0.5, anonymous=0):
        users[event.get("anonymousId")].add(event["userId"])
    users.pop(None)
    pairs = Counter(map(len, users.values()))
    assert set(pairs) == {1, 2}
    assert pairs[2] / (pairs[1] + 2 * pairs[2]) == pytest.approx(0.25, abs=0.06)


def test_seekers_click_a_search_advertisement_before_they_buy_anyway() -> None:
    plain, sought = Counter(causes(Scenario(**PLAIN)).values()), events("engagement", seekers=1)
    assert Counter(causes(Scenario(**PLAIN | {"seekers": 1})).values()) == plain
    assert len(sought) == len(events("engagement")) + plain["organic"]


def test_nobody_is_shown_what_a_site_is_told_to_hold_out() -> None:
    chosen: dict[str, Any] = {"holdout": 0.3, "token_key": KEY, "late_logins": 0.5}
    assert {holdout.campaign.id for holdout in CATALOGUE.holdouts} == TESTED
    told, shown = Holdouts(CATALOGUE, KEY), events("engagement", **chosen)
    for event in shown:
        assert campaign(event) not in told.of(event["userId"] or event.get("anonymousId") or "")
    seen = Counter(map(campaign, shown))
    for name, number in Counter(map(campaign, events("engagement", late_logins=0.5))).items():
        assert seen[name] / number == pytest.approx(0.7 if name in TESTED else 1, abs=0.08)


def test_what_is_not_shown_causes_nothing_and_everything_else_stays() -> None:
    crowd = PLAIN | {"users": 5_000, "engagement": 0.5}
    before, after = (
        Counter(causes(Scenario(**crowd | chosen)).values()) for chosen in ({}, {"holdout": 0.3, "token_key": KEY})
    )
    for cause, number in before.items():
        share = 0.7 if cause in TESTED else 1  # some people are far more active than others, so chance is large
        assert after[cause] / number == pytest.approx(share, abs=0.09 if cause in TESTED else 0)


def test_the_token_key_decides_who_is_held_out_and_is_not_shown() -> None:
    one, other = (Scenario(**PLAIN, holdout=0.3, token_key=key) for key in (KEY, KEY[::-1]))
    assert list(generate(one)) != list(generate(other))
    assert "secret" not in repr(one)
    refused: tuple[dict[str, Any], ...] = ({"holdout": 0.3}, {"holdout": 1.0, "token_key": KEY})
    for bad in refused:
        with pytest.raises(ValueError, match="a scenario with a holdout needs the token key"):
            Scenario(**PLAIN, **bad)


@pytest.mark.parametrize("engagement", [0.0, 1.0])
def test_a_year_of_orders_alone_or_of_none_holds_together(engagement: float) -> None:
    every: dict[str, Any] = {"seekers": 1, "late_logins": 1, "shared": 1, "holdout": 0.5, "token_key": KEY}
    assert list(generate(Scenario(events=50, engagement=engagement, **every)))
