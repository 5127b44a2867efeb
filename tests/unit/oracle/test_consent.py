"""Consent: what messages say themselves, and what people say from then on."""

import json
from typing import Any

import pytest

from tests.oracle import Result, attribute
from tests.support.messages import DAY, HOUR, NOON, consent_word, denied, identify, order, touch

CATALOGUE = 'base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\n'
MINE = touch("t", NOON - 2 * HOUR)


def told(*values: bytes, sources: str | None = None) -> Result:
    return attribute(CATALOGUE, [("events", value) for value in values], sources)


def journey(*values: bytes) -> tuple[list[int], str]:
    """When the touches were that an order at noon sees, in ms before it, and the reason where it sees none."""
    row = told(*values, order("o", NOON, "o")).conversions["orders", "o"]
    return [NOON - time for time in row["touch_at"]], row["reason"]


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({"consent": {"categoryPreferences": {"Advertising": False, "Analytics": True}}}, "no_consent"),
        ({"consent": {"categoryPreferences": {"C0004": False}}}, "no_consent"),
        ({"consent": {"categoryPreferences": {"marketing": True, "targeting": False}}}, "no_consent"),
        ({"consent": {"categoryPreferences": {"advertising": True}}}, ""),
        ({"consent": {"categoryPreferences": {"analytics": False}}}, ""),
        ({"consent": {"categoryPreferences": {"advertising": None}}}, ""),
        ({"consentManagement": {"deniedConsentIds": ["Advertising"]}}, "no_consent"),
        ({"consentManagement": {"allowedConsentIds": ["advertising"], "deniedConsentIds": ["other"]}}, ""),
        ({"consentManagement": {"deniedConsentIds": []}}, ""),
        ({"consent": []}, ""),
    ],
)
def test_what_a_message_says_itself(context: dict[str, Any], reason: str) -> None:
    bought = json.loads(order("o", NOON, "o"))
    bought["context"] = context
    result = told(MINE, json.dumps(bought).encode())
    assert result.conversions["orders", "o"]["reason"] == reason
    assert result.outcomes["events", "no_consent", ""] == bool(reason)
    assert result.conversions["orders", "o"]["value"] == 100_000_000  # counted all the same


def test_which_categories_mean_advertising_can_be_said() -> None:
    norwegian = order("o", NOON, "o", consent={"categoryPreferences": {"Markedsføring": False, "C0004": True}})
    assert told(norwegian).conversions["orders", "o"]["reason"] == "no_touch"
    sources = '[consent]\nadvertising = ["markedsføring"]'
    assert told(norwegian, sources=sources).conversions["orders", "o"]["reason"] == "no_consent"


def test_a_denied_touch_counts_and_is_in_no_journey() -> None:
    result = told(touch("t", NOON - HOUR, consent=denied()), order("o", NOON, "o"))
    assert result.conversions["orders", "o"]["reason"] == "no_touch"
    assert sum(result.engagement_counts.values()) == 1


def test_who_withdraws_is_in_no_journey_after_that() -> None:
    word = consent_word("w", NOON - HOUR, False)
    assert journey(MINE, word) == ([], "no_consent")
    before = told(MINE, word, order("o", NOON - HOUR - 1, "o")).conversions["orders", "o"]
    assert before["touch_campaign"] == ["autumn"]


def test_who_consents_again_has_them_back_but_for_those_made_meanwhile() -> None:
    words = consent_word("w", NOON - 3 * HOUR, False), consent_word("x", NOON - HOUR, True)
    assert journey(touch("s", NOON - 4 * HOUR), MINE, *words, touch("v", NOON - 1)) == ([4 * HOUR, 1], "")


def test_at_the_very_millisecond_the_new_word_holds() -> None:
    assert journey(MINE, consent_word("w", NOON, False)) == ([], "no_consent")
    assert journey(MINE, consent_word("w", NOON + 1, False)) == ([2 * HOUR], "")
    again = consent_word("w", NOON - DAY, False), consent_word("x", NOON - 2 * HOUR, True)
    assert journey(MINE, *again) == ([2 * HOUR], "")


def test_of_two_words_at_one_time_the_larger_id_counts() -> None:
    assert journey(MINE, consent_word("b", NOON - 1, False), consent_word("a", NOON - 1, True)) == ([], "no_consent")
    assert journey(MINE, consent_word("b", NOON - 1, True), consent_word("a", NOON - 1, False)) == ([2 * HOUR], "")


def test_what_a_message_says_itself_goes_before_the_word() -> None:
    word = consent_word("w", NOON - 3 * HOUR, False)
    allowed = touch("s", NOON - HOUR, consent=denied(True))
    bought = order("o", NOON, "o", consent=denied(True))
    assert told(MINE, allowed, word, bought).conversions["orders", "o"]["touch_at"] == [NOON - HOUR]


def test_the_words_of_all_tokens_of_a_person_are_one_line() -> None:
    link = identify("i", NOON, "a", "u")
    elsewhere = consent_word("w", NOON - HOUR, False, user=None, anonymous="a")
    assert journey(MINE, elsewhere) == ([2 * HOUR], "")
    assert journey(MINE, elsewhere, link) == ([], "no_consent")
    assert journey(MINE, elsewhere, link, identify("j", NOON, "a", "v")) == ([2 * HOUR], "")


def test_a_word_links_and_is_no_touch() -> None:
    result = told(consent_word("w", NOON, True, anonymous="a"))
    assert result.links == {("a", "u")}
    assert result.outcomes == {("events", "accepted", ""): 1}
    assert told(consent_word("w", NOON, True, user=None)).outcomes == {("events", "ignored", ""): 1}


def test_an_erasure_takes_the_word() -> None:
    values = [("events", consent_word("w", NOON - HOUR, False)), ("erasures", b"u"), ("events", MINE)]
    result = attribute(CATALOGUE, [*values, ("events", order("o", NOON, "o"))])
    assert result.conversions["orders", "o"]["touch_campaign"] == ["autumn"]
