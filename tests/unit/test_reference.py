"""The reference against figures worked out by hand."""

import json
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pytest

from streams.core.catalogue import parse
from tests.reference import MODELS, ONE, Result, attribute, split

HOUR = 3_600_000
DAY = 24 * HOUR
NOON = 1_793_534_400_000  # 2026-11-01T12:00:00Z
GOALS = """base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
windows = { click = "30d", engage = "2d", view = "1d" }
"""
CATALOGUE = parse(
    GOALS
    + """
[[goal]]
id = "new"
event = "Order Completed"
where = { new_customer = true, size = 1 }
value = 2.68

[[goal]]
id = "visits"
event = "Visit Booked"
value = 0

[[campaign]]
id = "Autumn"
aliases = ["høst"]
coupons = ["HOST10"]
"""
)


def rfc3339(time: int) -> str:
    seconds, rest = divmod(time - NOON, 1000)
    day, second = divmod(seconds + 12 * 3600, 86_400)
    assert -31 < day < 29
    month, day = (11, day + 1) if day >= 0 else (10, day + 32)
    return f"2026-{month:02d}-{day:02d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{rest:03d}Z"


def message(name: str, id_: str, time: int, user: str | None, **more: Any) -> bytes:
    context = {key: more.pop(key) for key in ("campaign", "consent") if key in more}
    envelope = {"type": "track", "event": name, "messageId": id_, "timestamp": rfc3339(time), "userId": user}
    return json.dumps(envelope | {"context": context, "properties": more}).encode()


def touch(id_: str, time: int, campaign: str, action: str = "click", user: str | None = "u", **more: Any) -> Any:
    given = {"campaign": {"id": campaign}} if campaign else {}
    properties = {"action": action, "network": "Facebook"} | given | more
    return "engagement", message("Social Interaction", id_, time, user, **properties)


def order(id_: str, time: int = NOON, user: str | None = "u", **more: Any) -> Any:
    return "checkout", message(more.pop("name", "Order Completed"), id_, time, user, **more)


def refund(id_: str, order_id: str, name: str = "Order Refunded", **more: Any) -> Any:
    return "checkout", message(name, id_, NOON + DAY, None, order_id=order_id, **more)


def run(*records: tuple[str, bytes]) -> Result:
    return attribute(CATALOGUE, records)


def value_by_campaign(result: Result, model: str, goal: str = "orders") -> dict[str, int]:
    values: dict[str, int] = defaultdict(int)
    for (_, of_goal, of_model, campaign, *_), figures in result.goal_attribution.items():
        if (of_goal, of_model) == (goal, model):
            values[campaign] += figures[1]
    return dict(values)


def conversions_by_campaign(paths: Iterable[tuple[int, str]], model: str) -> dict[str, int]:
    """Credit in millionths after so many conversions of each path; a path is made of one-letter campaigns."""
    records = []
    for n, path in enumerate(path for times, path in paths for _ in range(times)):
        records += [touch(f"{n}.{i}", NOON - HOUR * (9 - i), c, user=f"u{n}") for i, c in enumerate(path)]
        records.append(order(f"o{n}", user=f"u{n}"))
    credit: dict[str, int] = defaultdict(int)
    for (_, goal, of_model, campaign, *_), figures in run(*records).goal_attribution.items():
        if (goal, of_model) == ("orders", model):
            credit[campaign] += figures[0]
    return dict(credit)


def test_time_decay_over_a_month() -> None:
    ages = (30, 24, 18, 12, 6, 0)
    touches = [touch(f"t{age}", NOON - age * DAY, f"age-{age}") for age in ages]
    values = value_by_campaign(run(*touches, order("o", revenue=200)), "time_decay")
    assert [round(values[f"age-{age}"] / ONE, 2) for age in ages] == [4.73, 8.56, 15.51, 28.10, 50.90, 92.20]
    assert sum(values.values()) == 200 * ONE


def test_paths_by_linear_and_position() -> None:
    paths = [(2, "d"), (3, "se"), (5, "sce")]
    linear = conversions_by_campaign(paths, "linear")
    assert {c: round(Fraction(v, ONE), 4) for c, v in linear.items()} == {
        "d": 2,
        "s": round(Fraction(19, 6), 4),
        "e": round(Fraction(19, 6), 4),
        "c": round(Fraction(5, 3), 4),
    }
    position = {"d": 2 * ONE, "s": 3_500_000, "e": 3_500_000, "c": ONE}
    assert conversions_by_campaign(paths, "position") == position


def test_five_touches_by_position() -> None:
    credit = conversions_by_campaign([(1, "abcde")], "position")
    # 66 666.67 each in the middle: two millionths are left over and go to the two earlier ones.
    assert credit == {"a": 400_000, "b": 66_667, "c": 66_667, "d": 66_666, "e": 400_000}


@pytest.mark.parametrize(
    ("model", "credit"),
    [
        ("first", [1_000_000, 0, 0, 0]),
        ("last", [0, 0, 0, 1_000_000]),
        ("last_click", [0, 0, 1_000_000, 0]),
        ("linear", [250_000] * 4),
        ("position", [400_000, 100_000, 100_000, 400_000]),
        ("shapley", [166_667, 166_667, 166_666, 500_000]),
    ],
)
def test_credit_of_one_journey(model: str, credit: list[int]) -> None:
    journey = [("1", "a", "view"), ("2", "a", "like"), ("3", "a", "scan"), ("4", "b", "share")]
    result = run(*[touch(id_, NOON - HOUR, c, action) for id_, c, action in journey], order("o"))
    assert result.conversions["orders", "o"]["credit"][model] == credit


def test_last_click_falls_back_to_the_last_touch() -> None:
    result = run(touch("1", NOON - 2, "a", "like"), touch("2", NOON - 1, "b", "view"), order("o"))
    assert result.conversions["orders", "o"]["credit"]["last_click"] == [0, ONE]


def test_time_decay_is_exact_for_whole_weeks() -> None:
    ages = [21, 14, 7, 7, 0]
    result = run(*[touch(f"{i}", NOON - age * DAY, "a") for i, age in enumerate(ages)], order("o", revenue="2.125"))
    # 1/8 + 1/4 + 1/2 + 1/2 + 1 = 19/8, so the shares are nineteenths: 1 2 4 4 8
    credit = result.conversions["orders", "o"]["credit"]["time_decay"]
    assert credit == [52_632, 105_263, 210_526, 210_526, 421_053]


def test_windows_are_inclusive_and_per_action_class() -> None:
    inside = [
        touch("c", NOON - 30 * DAY, "c"),
        touch("e", NOON - 2 * DAY, "e", "follow"),
        touch("v", NOON - DAY, "v", "view"),
    ]
    outside = [
        touch("c2", NOON - 30 * DAY - 1, "x"),
        touch("e2", NOON - 2 * DAY - 1, "x", "follow"),
        touch("v2", NOON - DAY - 1, "x", "view"),
        touch("f", NOON + 1, "x"),
        touch("now", NOON, "n"),
    ]
    result = run(*outside, *inside, order("o"))
    assert result.conversions["orders", "o"]["touch_campaign"] == ["c", "e", "v", "n"]


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([touch("t", NOON, "a"), order("o", consent={"categoryPreferences": {"advertising": False}})], "no_consent"),
        ([touch("t", NOON, "a", user=None), order("o", user=None)], "no_token"),
        ([touch("t", NOON - 3 * DAY, "a", "like"), order("o")], "out_of_window"),
        ([touch("t", NOON + 1, "a"), order("o")], "no_touch"),
        ([touch("t", NOON, ""), order("o")], "no_touch"),
        ([touch("t", NOON, "a", "unlike"), order("o")], "no_touch"),
        ([touch("t", NOON, "a", consent={"categoryPreferences": {"advertising": False}}), order("o")], "no_touch"),
        ([touch("t", NOON, "a", user="v"), order("o")], "no_touch"),
    ],
)
def test_an_unattributed_conversion_has_a_reason_and_stays_in_the_totals(records: list[Any], reason: str) -> None:
    result = run(*records)
    assert result.conversions["orders", "o"]["reason"] == reason
    assert result.conversions["orders", "o"]["credit"] == {model: [] for model in MODELS}
    keys = [(NOON // 1000, "orders", model, "", "", "unknown", reason, "NOK") for model in MODELS]
    assert result.goal_attribution == {key: [ONE, 0, 0, 0] for key in keys}


def test_a_coupon_or_campaign_of_the_checkout_adds_a_last_touch_even_without_a_token() -> None:
    tagged: dict[str, Any] = {"campaign": {"id": "HØST", "source": "Paper"}}
    result = run(
        order("coupon", user=None, coupon="HOST10"),
        order("tagged", user=None, **tagged),
        touch("t", NOON, "z"),
        order("after", coupon="HOST10"),
        touch("w", NOON - HOUR, "autumn", user="w"),
        order("touched", user="w", coupon="HOST10"),
    )
    touches = {
        id_: list(zip(row["touch_campaign"], row["touch_network"], row["touch_action"], strict=True))
        for (_, id_), row in result.conversions.items()
    }
    assert touches["coupon"] == [("Autumn", "", "token")]
    assert touches["tagged"] == [("Autumn", "paper", "token")]
    assert touches["after"] == [("z", "facebook", "click"), ("Autumn", "", "token")]
    assert touches["touched"] == [("Autumn", "facebook", "click")]
    assert result.conversions["orders", "after"]["credit"]["last_click"] == [0, ONE]


def test_only_the_latest_thousand_touches_count() -> None:
    many = [touch(f"{n:04d}", NOON - (n // 2), "old" if n > 999 else "new") for n in range(1002)]
    campaigns = run(*many, order("o")).conversions["orders", "o"]["touch_campaign"]
    assert (len(campaigns), campaigns[0]) == (1000, "new")


def test_refunds_add_up_and_stop_at_the_orders_value() -> None:
    bought = [touch("t", NOON, "a"), touch("s", NOON, "b"), order("o", revenue="9.99", new_customer=True, size=1.0)]
    partly = run(*bought, refund("r1", "o", total="3.33"), refund("r1", "o", total="3.33"))
    assert {
        (goal, row["value"], row["reversed_value"], row["status"]) for (goal, _), row in partly.conversions.items()
    } == {("orders", 6_660_000, 3_330_000, "partly_reversed"), ("new", 1_786_666, 893_334, "partly_reversed")}
    linear = {key[3]: row for key, row in partly.goal_attribution.items() if key[1:3] == ("orders", "linear")}
    assert linear == {"a": [500_000, 3_330_000, 0, 1_665_000], "b": [500_000, 3_330_000, 0, 1_665_000]}
    whole = run(*bought, refund("r1", "o", total="3.33"), refund("r2", "o", value=7, revenue=None))
    linear = {key[3]: row for key, row in whole.goal_attribution.items() if key[1:3] == ("orders", "linear")}
    assert linear == {"a": [0, 0, 500_000, 4_995_000], "b": [0, 0, 500_000, 4_995_000]}
    assert whole.conversions["orders", "o"]["status"] == "reversed"
    assert whole.conversions["orders", "o"]["credit"]["first"] == [0, 0]


@pytest.mark.parametrize("reversal", [refund("r", "o"), refund("r", "o", name="Order Cancelled", total=0)])
def test_a_cancellation_or_a_refund_without_amount_takes_all_back_even_before_the_order(reversal: Any) -> None:
    result = run(reversal, touch("t", NOON, "a"), order("x", order_id="o", revenue=5))
    row = result.conversions["orders", "o"]
    assert (row["value"], row["reversed_value"], row["status"]) == (0, 5 * ONE, "reversed")
    assert not result.unknown_orders


def test_worthless_orders_are_only_withdrawn_as_a_whole() -> None:
    free = order("o", new_customer=True, size=1)
    assert run(free, refund("r", "o", total=5)).conversions["new", "o"]["status"] == "open"
    assert run(free, refund("r", "o")).conversions["new", "o"]["status"] == "reversed"
    visit = order("v", name="Visit Booked", revenue=10)
    assert run(visit, refund("r", "v", total=10)).conversions["visits", "v"]["status"] == "partly_reversed"


def test_the_latest_completion_counts_and_decides_the_goals() -> None:
    first = order("m1", NOON, order_id="o", revenue=1, new_customer=True, size=1)
    second = order("m2", NOON, order_id="o", revenue=2)
    assert set(run(second, first).conversions) == {("orders", "o")}
    assert run(second, first).conversions["orders", "o"]["value"] == 2 * ONE


def test_where_compares_type_and_value() -> None:
    sizes = {"i": 1, "f": 1.0, "t": "1", "b": True}
    result = run(*[order(id_, size=size, new_customer=True) for id_, size in sizes.items()])
    assert {id_ for goal, id_ in result.conversions if goal == "new"} == {"i", "f"}


def test_every_record_has_an_outcome() -> None:
    denied: dict[str, Any] = {"consent": {"categoryPreferences": {"advertising": False}}}
    result = run(
        touch("t", NOON, "a"),
        touch("t", NOON, "a"),
        touch("d", NOON, "a", **denied),
        touch("bad", NOON, "a", "dance"),
        touch("bad", NOON, "a"),
        ("engagement", message("Page Viewed", "p", NOON, "u")),
        ("engagement", b" " * 65_537),
        order("t", name="Cart Viewed"),
        order("t", **denied),
        order("n", revenue=-1),
        refund("r", "elsewhere", **denied),
    )
    assert dict(result.outcomes) == {
        ("engagement", "accepted", ""): 2,
        ("engagement", "duplicate", ""): 1,
        ("engagement", "no_consent", ""): 1,
        ("engagement", "ignored", ""): 1,
        ("engagement", "dead_letter", "malformed"): 1,
        ("engagement", "dead_letter", "oversized"): 1,
        ("checkout", "ignored", ""): 1,
        ("checkout", "no_consent", ""): 1,
        ("checkout", "dead_letter", "malformed"): 1,
        ("checkout", "accepted", ""): 1,
    }
    assert result.unknown_orders == {"r"}
    assert result.engagement_counts == {(NOON // 1000, "a", "facebook", "click"): 3}


def test_the_split_gives_what_is_left_over_to_the_largest_remainders_then_the_earlier() -> None:
    assert split(100, [Fraction(1, 3)] * 3) == [34, 33, 33]
    assert split(7, [Fraction(1, 10), Fraction(2, 10), Fraction(7, 10)]) == [1, 1, 5]
