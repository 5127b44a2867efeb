"""The reference where people are known by several tokens, against what contract 6 says."""

from itertools import permutations
from typing import Any

import pytest

from streams.core.catalogue import parse
from tests.messages import DAY, HOUR, NOON, alias, denied, identify, order, touch
from tests.reference import Result, attribute

CATALOGUE = parse("""base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
""")
Record = tuple[str, bytes]


def engaged(anonymous: str, time: int = NOON - HOUR, **more: Any) -> Record:
    return "engagement", touch(f"t-{anonymous}-{time}", time, user=None, anonymous=anonymous, **more)


def bought(user: str | None = "u", **more: Any) -> Record:
    return "checkout", order("o", NOON, "o", user=user, **more)


def linked(anonymous: str, user: str) -> Record:
    return "identity", identify(f"i-{anonymous}-{user}", NOON, anonymous, user)


def run(*records: Record) -> Result:
    return attribute(CATALOGUE, records)


def told(*records: Record) -> tuple[str, list[str], str]:
    """Reason, campaigns and user of the one order, the same in whatever order the records arrive."""
    row, *others = (run(*some).conversions["orders", "o"] for some in permutations(records))
    assert all(other == row for other in others)
    return row["reason"], row["touch_campaign"], row["user"]


@pytest.mark.parametrize(
    "link",
    [
        linked("a", "u"),
        ("identity", alias("i", NOON + DAY, "a", "u")),
        ("engagement", touch("both", NOON + HOUR, user="u", anonymous="a")),
        ("engagement", touch("refused", NOON - HOUR, user="u", anonymous="a", consent=denied())),
        ("checkout", order("other", NOON + HOUR, "other", user="u", anonymous="a")),
    ],
)
def test_a_link_gives_a_user_the_touches_of_the_anonymous_token(link: Record) -> None:
    assert told(engaged("a"), bought(), link) == ("", ["autumn"], "u")


def test_an_order_of_the_anonymous_token_sees_what_the_user_and_other_browsers_did() -> None:
    mine = "engagement", touch("t-u", NOON - 2 * HOUR, "spring", user="u")
    order_of_a = bought(None, anonymous="a")
    assert told(mine, engaged("b"), order_of_a, linked("a", "u"), linked("b", "u")) == ("", ["spring", "autumn"], "u")


def test_a_token_of_two_users_is_neither_s() -> None:
    both = linked("a", "u"), linked("a", "v")
    assert told(engaged("a"), bought(), *both) == ("ambiguous_identity", [], "u")
    assert told(engaged("a"), bought(None, anonymous="a"), *both) == ("ambiguous_identity", [], "a")
    assert told(bought(None, anonymous="a"), *both) == ("ambiguous_identity", [], "a")
    mine = "engagement", touch("t-u", NOON, "spring", user="u")
    assert told(mine, engaged("a"), bought(), *both) == ("", ["spring"], "u")


def test_only_touches_that_would_have_counted_make_a_conversion_ambiguous() -> None:
    both = linked("a", "u"), linked("a", "v")
    assert told(bought(), *both) == ("no_touch", [], "u")
    assert told(engaged("a", NOON - 8 * DAY), bought(), *both) == ("no_touch", [], "u")
    assert told(engaged("a", NOON + 1), bought(), *both) == ("no_touch", [], "u")
    old = "engagement", touch("t-u", NOON - 8 * DAY, user="u")
    assert told(old, bought(), *both) == ("out_of_window", [], "u")


def test_a_campaign_of_the_checkout_needs_no_identity() -> None:
    both = linked("a", "u"), linked("a", "v")
    assert told(engaged("a"), bought(campaign={"id": "paper"}), *both) == ("", ["paper"], "u")


def test_a_token_linked_to_itself_is_linked_to_nobody() -> None:
    assert told(engaged("u"), linked("u", "u"), bought()) == ("", ["autumn"], "u")
    assert told(engaged("a"), linked("a", "a"), linked("a", "u"), bought()) == ("", ["autumn"], "u")


def test_identity_messages_are_counted_like_others() -> None:
    link = linked("a", "u")
    without = "identity", identify("i", NOON, "", "u")
    conflict = "identity", identify("i-a-u", NOON, "a", "v")
    result = run(link, link, conflict, without, ("identity", touch("t", NOON)), engaged("a"), bought())
    assert result.outcomes["identity", "accepted", ""] == 1
    assert result.outcomes["identity", "duplicate", ""] == 2
    assert result.outcomes["identity", "dead_letter", "malformed"] == 2
    assert result.conversions["orders", "o"]["touch_campaign"] == ["autumn"]
