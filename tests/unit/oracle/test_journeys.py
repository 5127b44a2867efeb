"""Which touches a conversion sees, how credit is shared, and who is who."""

import json
from collections import defaultdict
from datetime import date
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from tests.oracle import Result, attribute
from tests.oracle.credit import MODELS, ONE, split
from tests.support.messages import DAY, HOUR, NOON, alias, denied, identify, order, page, refund, touch

GOALS = """base_currency = "NOK"
timezone = "Europe/Oslo"
[[goal]]
id = "orders"
event = "Order Completed"
windows = { click = "30d", engage = "2d", view = "1d" }
"""
ORDER = order("o", NOON, "o")


def told(*values: bytes, goals: str = GOALS) -> Result:
    return attribute(goals, [("events", value) for value in values])


def row(*values: bytes, goals: str = GOALS) -> dict[str, Any]:
    return told(*values, goals=goals).conversions["orders", "o"]


def known(*values: bytes) -> tuple[str, list[str], str]:
    """Reason, campaigns and user of the one order, the same in whatever order the messages arrive."""
    first, *others = (row(*some) for some in permutations(values))
    assert all(other == first for other in others)
    return first["reason"], first["touch_campaign"], first["user"]


def conversions_by_campaign(paths: list[tuple[int, str]], model: str) -> dict[str, int]:
    """Credit in millionths after so many conversions of each path; a path is made of one-letter campaigns."""
    values = []
    for n, path in enumerate(path for times, path in paths for _ in range(times)):
        values += [touch(f"{n}.{i}", NOON - HOUR * (9 - i), c, user=f"u{n}") for i, c in enumerate(path)]
        values.append(order(f"o{n}", NOON, f"o{n}", user=f"u{n}"))
    credit: dict[str, int] = defaultdict(int)
    for (_, _, of_model, campaign, *_), figures in told(*values).goal_attribution.items():
        if of_model == model:
            credit[campaign] += figures[0]
    return dict(credit)


def test_time_decay_over_a_month() -> None:
    ages = (30, 24, 18, 12, 6, 0)
    touches = [touch(f"t{age}", NOON - age * DAY, f"age {age}") for age in ages]
    values: dict[str, int] = defaultdict(int)
    for key, figures in told(*touches, order("o", NOON, "o", revenue=200)).goal_attribution.items():
        values[key[3]] += figures[1] * (key[2] == "time_decay")
    assert [round(values[f"age {age}"] / ONE, 2) for age in ages] == [4.73, 8.56, 15.51, 28.10, 50.90, 92.20]
    assert sum(values.values()) == 200 * ONE


def test_time_decay_is_exact_for_whole_weeks() -> None:
    touches = [touch(f"{i}", NOON - age * DAY, "a") for i, age in enumerate([21, 14, 7, 7, 0])]
    # 1/8 + 1/4 + 1/2 + 1/2 + 1 = 19/8, so the shares are nineteenths: 1 2 4 4 8
    assert row(*touches, ORDER)["credit"]["time_decay"] == [52_632, 105_263, 210_526, 210_526, 421_053]


def test_paths_by_linear_and_position() -> None:
    paths = [(2, "d"), (3, "se"), (5, "sce")]
    linear = conversions_by_campaign(paths, "linear")
    assert linear["d"] == 2 * ONE
    assert round(Fraction(linear["c"], ONE), 4) == round(Fraction(5, 3), 4)
    assert conversions_by_campaign(paths, "position") == {"d": 2 * ONE, "s": 3_500_000, "e": 3_500_000, "c": ONE}
    # 66 666.67 each in the middle: two millionths are left over and go to the two earlier ones.
    five = {"a": 400_000, "b": 66_667, "c": 66_667, "d": 66_666, "e": 400_000}
    assert conversions_by_campaign([(1, "abcde")], "position") == five


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
    journey = [("1", "a", "open"), ("2", "a", "like"), ("3", "a", "scan"), ("4", "b", "reaction")]
    assert row(*[touch(id_, NOON - HOUR, c, action) for id_, c, action in journey], ORDER)["credit"][model] == credit


def test_last_click_falls_back_to_the_last_touch() -> None:
    assert row(touch("1", NOON - 2, "a", "like"), touch("2", NOON - 1, "b", "view"), ORDER)["credit"]["last_click"] == [
        0,
        ONE,
    ]


def test_the_split_gives_what_is_left_over_to_the_largest_remainders_then_the_earlier() -> None:
    assert split(100, [Fraction(1, 3)] * 3) == [34, 33, 33]
    assert split(7, [Fraction(1, 10), Fraction(2, 10), Fraction(7, 10)]) == [1, 1, 5]


def test_value_credit_is_the_split_of_what_remains() -> None:
    touches = touch("t", NOON, "a"), touch("u", NOON, "b")
    partly = told(*touches, order("o", NOON, "o", revenue="9.99"), refund("r", NOON, "o", total="3.33"))
    linear = {key[3]: amounts for key, amounts in partly.goal_attribution.items() if key[2] == "linear"}
    assert linear == {"a": [500_000, 3_330_000, 0, 1_665_000], "b": [500_000, 3_330_000, 0, 1_665_000]}
    whole = told(*touches, order("o", NOON, "o", revenue="9.99"), refund("r", NOON, "o"))
    linear = {key[3]: amounts for key, amounts in whole.goal_attribution.items() if key[2] == "linear"}
    assert linear == {"a": [0, 0, 500_000, 4_995_000], "b": [0, 0, 500_000, 4_995_000]}
    assert whole.conversions["orders", "o"]["credit"]["first"] == [0, 0]


def test_windows_are_inclusive_and_per_action_class() -> None:
    inside = (
        touch("c", NOON - 30 * DAY, "c"),
        touch("e", NOON - 2 * DAY, "e", "reaction"),
        touch("v", NOON - DAY, "v", "open"),
    )
    outside = [
        touch("c2", NOON - 30 * DAY - 1, "x"),
        touch("e2", NOON - 2 * DAY - 1, "x", "follow"),
        touch("v2", NOON - DAY - 1, "x", "view"),
        touch("f", NOON + 1, "x"),
        touch("u", NOON - 1, "x", "unlike"),
        touch("now", NOON, "n"),
    ]
    assert row(*outside, *inside, ORDER)["touch_campaign"] == ["c", "e", "v", "n"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([touch("t", NOON, "a"), order("o", NOON, "o", consent=denied())], "no_consent"),
        ([touch("t", NOON, "a", user=None), order("o", NOON, "o", user=None)], "no_token"),
        ([touch("t", NOON - 3 * DAY, "a", "like"), ORDER], "out_of_window"),
        ([touch("t", NOON + 1, "a"), ORDER], "no_touch"),
        ([touch("t", NOON, "", network="shop"), ORDER], "no_touch"),
        ([touch("t", NOON, "a", "unlike"), ORDER], "no_touch"),
        ([touch("t", NOON - 31 * DAY, "a", consent=denied()), ORDER], "no_touch"),
        ([touch("t", NOON, "a", user="v"), ORDER], "no_touch"),
    ],
)
def test_an_unattributed_conversion_has_a_reason_and_stays_in_the_totals(values: list[bytes], reason: str) -> None:
    result = told(*values)
    assert result.conversions["orders", "o"]["reason"] == reason
    keys = [(NOON // 1000, "orders", model, "", "", "unknown", reason, "NOK") for model in MODELS]
    assert result.goal_attribution == {key: [ONE, 100 * ONE, 0, 0] for key in keys}


def test_the_checkout_s_campaign_is_added_last() -> None:
    found = row(touch("z", NOON, "z"), order("o", NOON, "o", campaign={"name": "paper"}))
    assert found["touch_campaign"] == ["z", "paper"]
    assert (found["touch_network"], found["touch_action"]) == (["facebook", ""], ["click", "token"])
    assert found["credit"]["last_click"] == [0, ONE]
    assert row(order("o", NOON, "o", user=None, campaign={"name": "paper"}))["touch_campaign"] == ["paper"]


def test_only_the_latest_thousand_touches_count() -> None:
    many = [touch(f"m{n:04d}", NOON - (n // 2), "old" if n > 999 else "new") for n in range(1002)]
    campaigns = row(*many, ORDER)["touch_campaign"]
    assert (len(campaigns), campaigns[0]) == (1000, "new")


def test_touches_of_a_journey_are_distinct_by_their_id() -> None:
    link, mine = identify("i", NOON, "a", "u"), touch("t", NOON - 2, "mine")
    again = touch("t", NOON - 1, "again", user=None, anonymous="a")
    for order_of_arrival in ((mine, again), (again, mine)):
        assert row(*order_of_arrival, link, ORDER)["touch_campaign"] == ["mine"], "the earliest counts"


def engaged(anonymous: str, time: int = NOON - HOUR, **more: Any) -> bytes:
    return touch(f"t-{anonymous}-{time}", time, user=None, anonymous=anonymous, **more)


def linked(anonymous: str, user: str) -> bytes:
    return identify(f"i-{anonymous}-{user}", NOON, anonymous, user)


@pytest.mark.parametrize(
    "link",
    [
        linked("a", "u"),
        alias("i", NOON + DAY, "a", "u"),
        touch("both", NOON + HOUR, user="u", anonymous="a"),
        touch("refused", NOON - HOUR, user="u", anonymous="a", consent=denied()),
        order("other", NOON + HOUR, "other", user="u", anonymous="a"),
        refund("r", NOON, "other", user="u", anonymous="a"),
        page("p", NOON + HOUR, "https://shop.example/?utm_source=fb", anonymous="a"),
    ],
)
def test_a_link_gives_a_user_the_touches_of_the_anonymous_token(link: bytes) -> None:
    assert known(engaged("a"), ORDER, link) == ("", ["autumn"], "u")


def test_what_is_ignored_links_nothing() -> None:
    ignored = page("p", NOON, anonymous="a")
    assert known(engaged("a"), ORDER, ignored) == ("no_touch", [], "u")
    group = json.dumps(json.loads(ignored) | {"type": "group"}).encode()
    assert known(engaged("a"), ORDER, group) == ("no_touch", [], "u")


def test_an_order_of_the_anonymous_token_sees_what_the_user_and_other_browsers_did() -> None:
    mine, bought = touch("t-u", NOON - 2 * HOUR, "spring"), order("o", NOON, "o", user=None, anonymous="a")
    assert known(mine, engaged("b"), bought, linked("a", "u"), linked("b", "u")) == ("", ["spring", "autumn"], "u")


def test_a_token_of_two_users_is_neither_s() -> None:
    both, of_a = (linked("a", "u"), linked("a", "v")), order("o", NOON, "o", user=None, anonymous="a")
    assert known(engaged("a"), ORDER, *both) == ("ambiguous_identity", [], "u")
    assert known(engaged("a"), of_a, *both) == ("ambiguous_identity", [], "a")
    assert known(of_a, *both) == ("ambiguous_identity", [], "a")
    assert known(touch("t-u", NOON, "spring"), engaged("a"), ORDER, *both) == ("", ["spring"], "u")
    assert known(engaged("a"), order("o", NOON, "o", coupon="x", campaign={"id": "p"}), *both) == ("", ["p"], "u")


def test_only_touches_that_would_have_counted_make_a_conversion_ambiguous() -> None:
    both = linked("a", "u"), linked("a", "v")
    assert known(ORDER, *both) == ("no_touch", [], "u")
    assert known(engaged("a", NOON - 31 * DAY), ORDER, *both) == ("no_touch", [], "u")
    assert known(engaged("a", consent=denied()), ORDER, *both) == ("no_touch", [], "u")
    assert known(touch("t-u", NOON - 31 * DAY), ORDER, *both) == ("out_of_window", [], "u")


@pytest.mark.parametrize(("users", "reason"), [(100, "ambiguous_identity"), (101, "no_touch")])
def test_a_token_of_more_than_a_hundred_users_is_nobody_s(users: int, reason: str) -> None:
    links = [linked("a", "u"), *(linked("a", f"u{n}") for n in range(users - 1))]
    assert row(engaged("a"), ORDER, *links)["reason"] == reason
    of_a = order("o", NOON, "o", user=None, anonymous="a")
    assert row(engaged("a"), of_a, *links)["reason"] == "ambiguous_identity"


def test_a_token_linked_to_itself_is_linked_to_nobody() -> None:
    assert known(engaged("u"), linked("u", "u"), ORDER) == ("", ["autumn"], "u")
    assert told(linked("u", "u")).ignored == {("events", "identify"): 1}


def test_what_a_word_means_is_decided_by_the_final_catalogue() -> None:
    mended = GOALS + 'value = 5\n[[campaign]]\nid = "autumn"\naliases = ["autmn"]\ncoupons = ["HOST"]\n'
    values = touch("t", NOON - 1, "autmn"), order("o", NOON, "o", coupon="host")
    assert row(*values)["touch_campaign"] == ["autmn"]
    found = row(*values, goals=mended)
    assert (found["touch_campaign"], found["value"]) == (["autumn"], 5 * ONE)
    internal = mended + "internal = true\n"
    assert row(*values, goals=internal)["reason"] == "no_touch"
    assert told(*values, goals=internal).engagement_counts == {
        ((NOON - 1) // 60_000 * 60, "autumn", "facebook", "click"): 1
    }


def test_days_are_local_ones() -> None:
    late = order("o", NOON + 11 * HOUR, "o")  # 23:00 UTC, midnight in Oslo
    result = told(late, order("p", NOON, "p"), order("q", NOON, "q"), refund("r", NOON, "q"))
    assert result.days == {
        ("orders", date(2026, 11, 2), "NOK"): [1, 100 * ONE],
        ("orders", date(2026, 11, 1), "NOK"): [1, 100 * ONE],
    }


def test_paths_of_those_who_bought_and_those_who_did_not() -> None:
    values = touch("a", NOON - 2, "a"), touch("b", NOON - 1, "b"), ORDER, touch("c", NOON, "a", user="v")
    day = NOON // DAY
    assert told(*values).path_transitions == {
        ("orders", day, "", "a"): [1, 1],
        ("orders", day, "a", "b"): [1, 0],
        ("orders", day, "b", ""): [1, 0],
        ("orders", day, "a", ""): [0, 1],
    }


def erased(*records: tuple[str, bytes]) -> tuple[str, list[str], str]:
    found = attribute(GOALS, records).conversions["orders", "o"]
    return found["reason"], found["touch_campaign"], found["user"]


def test_who_is_erased_is_nobody_from_then_on() -> None:
    mine, forget = ("events", touch("t", NOON - HOUR)), ("erasures", b"u")
    bought = "events", ORDER
    assert erased(mine, bought, forget) == ("erased", [], "")
    assert erased(mine, forget, bought) == ("no_touch", [], "u")
    link = "events", linked("a", "u")
    assert erased(("events", engaged("a")), link, forget, bought) == ("no_touch", [], "u")
    reversal = "events", refund("r", NOON, "o", total=40)
    assert attribute(GOALS, [reversal, forget]).unknown_orders == set()
    assert attribute(GOALS, [reversal, forget, bought]).conversions["orders", "o"]["value"] == 60 * ONE
