"""Ids: numbers and strings, who is nobody, and ids made for messages that have none."""

import json
from typing import Any

import pytest

from streams.core.door.canonical import ConsentWord, Ignored, Link
from streams.core.door.fields.ids import PLACEHOLDERS, made
from tests.unit.core.door.said import call, completion, event, faults, item, order


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("u1", "u1"), (" u1\u00a0", "u1"), (12345, "12345"), (10**30, str(10**30)), (None, ""), ("", ""), ("  ", ""),
        ("x" * 1024, "x" * 1024), ("U1", "U1"),
    ],
)  # fmt: skip
def test_ids_are_strings_or_integers(value: Any, expected: str) -> None:
    message = order({"order_id": value}, userId=value)
    found = completion(message)
    assert (found.message.user_id, found.ids.get("order_id", "")) == (expected, expected)
    assert faults(message) == []


@pytest.mark.parametrize("value", [1.5, True, ["u"], {"id": 1}, "x" * 1025, "å" * 513])
def test_another_value_costs_the_field_alone(value: Any) -> None:
    message = order({"order_id": value}, userId=value, anonymousId="a1")
    found = completion(message)
    assert (found.message.user_id, found.message.anonymous_id, found.ids) == ("", "a1", {})
    assert faults(message) == ["userId", "properties.order_id"]


@pytest.mark.parametrize("value", [*sorted(PLACEHOLDERS), "NULL", " Undefined ", "[object Object]", 0, -1, "GJEST"])
def test_placeholders_are_nobody_and_are_counted(value: Any) -> None:
    found = item(order({"order_id": value}, userId=value, anonymousId="a1"), placeholders=frozenset({"gjest"}))
    (one,) = found.events
    assert not isinstance(one, Ignored)
    assert (one.message.user_id, one.message.anonymous_id, found.placeholders) == ("", "a1", 1)
    assert one.ids == {"order_id": str(value).strip()}  # type: ignore[union-attr]


@pytest.mark.parametrize("absent", [None, "", "undefined", " ", "x" * 257, 1.5])
def test_a_message_without_an_id_gets_one_of_its_bytes(absent: Any) -> None:
    message = order({"order_id": "1"}, messageId=absent)
    found = completion(message).message
    assert not found.own_id
    transported = message | {"sentAt": "2026-11-03T00:00:00Z", "receivedAt": "2026-11-03T00:00:00Z", "writeKey": "k"}
    assert completion(transported).message.message_id == found.message_id
    assert completion(message | {"userId": "u2"}).message.message_id != found.message_id


def test_spaces_around_a_message_make_no_other() -> None:
    message = order({"order_id": "1"})
    del message["messageId"]
    raw = json.dumps(message).encode()
    assert completion(raw) == completion(b"\xef\xbb\xbf \n" + raw + b"\n") == completion(b"{ " + raw[1:])


def test_an_id_of_its_own_may_be_a_number() -> None:
    found = completion(order({}, messageId=17)).message
    assert (found.message_id, found.own_id) == ("17", True)


def test_made_ids_tell_their_parts_apart() -> None:
    assert made(["ab", "c"]) != made(["a", "bc"])
    assert made([b"ab"]) == made(["ab"])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (call("identify", anonymousId="a1"), ("a1", "u1")), (call("alias", previousId="a1"), ("a1", "u1")),
        (call("alias", previousId=5), ("5", "u1")), (call("identify", userId=7, anonymousId="a1"), ("a1", "7")),
    ],
)  # fmt: skip
def test_links(message: Any, expected: tuple[str, str]) -> None:
    found = event(message)
    assert isinstance(found, Link)
    assert (found.anonymous, found.user) == expected


@pytest.mark.parametrize(
    "message",
    [
        call("identify"), call("identify", userId="", anonymousId="a1"),
        call("identify", userId="null", anonymousId="a"),
        call("identify", anonymousId="u1"), call("alias", previousId="u1"), call("alias", previousId="undefined"),
        call("alias"), call("alias", previousId="a1", userId=None),
        call("group", anonymousId="a1", groupId="g"),
    ],
)  # fmt: skip
def test_what_links_nothing_is_ignored(message: Any) -> None:
    assert event(message) == Ignored(message["type"])


@pytest.mark.parametrize(
    ("context", "denied"),
    [
        ({"consent": {"categoryPreferences": {"Advertising": False, "Analytics": True}}}, True),
        ({"consent": {"categoryPreferences": {"C0004": False, "C0002": True}}}, True),
        ({"consent": {"categoryPreferences": {"marketing": True}}}, False),
        ({"consent": {"categoryPreferences": {"marketing": True, "TARGETING": False}}}, True),
        ({"consent": {"categoryPreferences": {"marketing": "false"}}}, True),
        ({"consent": {"categoryPreferences": {"analytics": False}}}, None),
        ({"consent": []}, None), ({"consent": {"categoryPreferences": ""}}, None), ([], None), (None, None),
        ({"consentManagement": {"deniedConsentIds": ["advertising"], "allowedConsentIds": ["analytics"]}}, True),
        ({"consentManagement": {"deniedConsentIds": [], "allowedConsentIds": ["Marketing"]}}, False),
        ({"consentManagement": {"deniedConsentIds": ["x"], "allowedConsentIds": None}}, None),
        ({"consentManagement": {"deniedConsentIds": ["marketing"], "allowedConsentIds": ["marketing"]}}, True),
    ],
)  # fmt: skip
def test_consent(context: Any, denied: bool | None) -> None:
    assert completion(order({}, context=context)).message.denied is denied
    for name in ("Segment Consent Preference Updated", "consent_updated"):
        said = event(call("track", event=name, context=context))
        assert event(call("track", event=name, context=context, userId=None)) == Ignored(name)
        assert said == Ignored(name) if denied is None else isinstance(said, ConsentWord) and said.denied is denied


def test_consent_that_cannot_be_read_is_told() -> None:
    message = order({}, context={"consent": {"categoryPreferences": {"advertising": "perhaps"}}})
    assert completion(message).message.denied is None
    assert faults(message) == ["context.consent.categoryPreferences.advertising"]
    assert completion(message, advertising=frozenset({"reklame"})).message.denied is None
    other = order({}, context={"consent": {"categoryPreferences": {"Reklame": False}}})
    assert completion(other, advertising=frozenset({"reklame"})).message.denied is True
