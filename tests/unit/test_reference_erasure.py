"""The reference where somebody is erased: what came before is nobody's, and counts on."""

from tests.messages import HOUR, NOON, denied, identify, order, refund, touch
from tests.reference import attribute
from tests.unit.test_reference_identity import CATALOGUE, Record

ERASED: Record = "erasures", b"u"
TOUCH: Record = "engagement", touch("t", NOON - HOUR)
ORDER: Record = "checkout", order("o", NOON, "o")


def told(*records: Record) -> tuple[str, list[str], str]:
    row = attribute(CATALOGUE, records).conversions["orders", "o"]
    return row["reason"], row["touch_campaign"], row["user"]


def test_what_came_before_is_nobody_s() -> None:
    assert told(TOUCH, ORDER) == ("", ["autumn"], "u")
    assert told(TOUCH, ORDER, ERASED) == ("erased", [], "")


def test_what_comes_later_starts_from_nothing() -> None:
    assert told(TOUCH, ERASED, ORDER) == ("no_touch", [], "u")
    assert told(TOUCH, ERASED, TOUCH, ORDER) == ("no_touch", [], "u")


def test_links_are_forgotten_both_ways() -> None:
    link = "identity", identify("i", NOON, "a", "u")
    mine = "engagement", touch("ta", NOON - HOUR, user=None, anonymous="a")
    assert told(mine, link, ORDER) == ("", ["autumn"], "u")
    assert told(mine, link, ERASED, ORDER) == ("no_touch", [], "u")
    assert told(mine, link, ("erasures", b"a"), ORDER) == ("no_touch", [], "u")


def test_who_denied_consent_was_nobody_before() -> None:
    assert told(("checkout", order("o", NOON, "o", consent=denied())), ERASED)[0] == "no_consent"


def test_a_reversal_of_theirs_takes_back_and_is_not_missed() -> None:
    reversal = "checkout", refund("r", NOON, "o", total=40)
    result = attribute(CATALOGUE, [reversal, ERASED])
    assert result.unknown_orders == set()
    result = attribute(CATALOGUE, [reversal, ERASED, ORDER])
    assert result.conversions["orders", "o"]["value"] == 60_000_000
