"""What is read of one record is a value, or is rejected with a reason of the contract; nothing else is raised."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.parsing.decoding import DEPTH, Rejected, attempt, currency_code, decoded, money, sized
from streams.core.parsing.limits import LIMIT

anything = msgspec.json.Decoder().decode


def rejected(raw: bytes | None, key: bytes | None = None) -> tuple[str, str]:
    with pytest.raises(Rejected) as raised:
        decoded(anything, sized(raw, key))
    return raised.value.reason, raised.value.error


def test_a_record_of_exactly_the_limit_is_taken_and_its_key_counts() -> None:
    assert sized(b" " * LIMIT) == b" " * LIMIT
    assert sized(b" " * (LIMIT - 3), b"key") == b" " * (LIMIT - 3)
    assert rejected(b" " * (LIMIT + 1))[0] == rejected(b" " * (LIMIT - 2), b"key")[0] == "oversized"


def test_what_is_no_json_is_malformed_and_says_why() -> None:
    assert rejected(None) == ("malformed", "the record has no value (a tombstone)")
    assert rejected(b'"\xff"') == ("malformed", "byte 1 is no UTF-8")
    reason, error = rejected(b"{")
    assert (reason, bool(error)) == ("malformed", True)


def test_lists_and_objects_may_be_nested_so_deep_and_no_deeper() -> None:
    deep = b"[" * DEPTH + b" " * DEPTH + b"]" * DEPTH
    assert sized(deep) == deep
    assert rejected(b"[" + deep + b"]") == ("malformed", f"lists and objects are nested more than {DEPTH} deep")


def test_brackets_in_texts_are_no_depth() -> None:
    text = msgspec.json.encode("[" * 3 * DEPTH + '\\"')
    assert sized(text) == text


@given(st.binary())
def test_arbitrary_bytes_are_read_or_malformed(raw: bytes) -> None:
    found = attempt(lambda: decoded(anything, sized(raw)))
    assert not isinstance(found, Rejected) or found.reason == "malformed"


def test_a_defect_of_ours_is_internal_and_says_what_it_was() -> None:
    def fails() -> None:
        raise ZeroDivisionError("a defect")

    found = attempt(fails)
    assert isinstance(found, Rejected)
    assert (found.reason, "ZeroDivisionError: a defect" in found.error) == ("internal", True)


def test_money_is_read_from_its_own_text_and_never_through_a_float() -> None:
    assert money("amount", b"123456789012.345678") == money("amount", b'"123456789012.345678"')
    assert money("amount", b"123456789012.345678") == 123_456_789_012_345_678


@pytest.mark.parametrize("text", [b"-1", b"true", b'"ten"', b"1e999", b'"1', b"[]"])
def test_what_is_no_amount_names_its_field(text: bytes) -> None:
    found = attempt(money, "amount", text)
    assert isinstance(found, Rejected)
    assert (found.reason, found.error.startswith("`amount`: ")) == ("malformed", True)


def test_a_currency_is_three_letters() -> None:
    assert currency_code("currency", "sek") == "SEK"
    for text in ("", "kr", "kroner", "N0K", "ÅÅÅ"):
        found = attempt(currency_code, "currency", text)
        assert isinstance(found, Rejected)
        assert "`currency`" in found.error
