"""The reference's decoder on single values: times, money, and what is no event at all."""

import pytest

from streams.core.catalogue import parse
from tests.reference_events import DeadLetter, decode

CATALOGUE = parse('base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\n')
ONE = 1_000_000
NOON = "2026-11-01T12:00:00Z"
ORDER = (
    f'{{"type": "track", "event": "Order Completed", "messageId": "m", "timestamp": "{NOON}", '
    '"properties": {"revenue": -77}}'
).encode()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t02:00:00.1239+01:00", 3_600_123),
        ("2026-11-01T00:00:00.5-12:00", 1_793_534_400_500),
    ],
)
def test_timestamps_are_read_in_any_zone(text: str, time: int) -> None:
    event = decode(CATALOGUE, "checkout", ORDER.replace(b"-77", b"1").replace(NOON.encode(), text.encode()))
    assert event is not None
    assert event.time == time


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("1e2", 100 * ONE),
        ('"12.5"', 12_500_000),
        ("999999999999.999999", 10**18 - 1),
    ],
)
def test_money_is_read_from_the_numbers_own_text(given: str, amount: int) -> None:
    event = decode(CATALOGUE, "checkout", ORDER.replace(b"-77", given.encode()))
    assert event is not None
    assert event.amount == amount


@pytest.mark.parametrize(
    "given", ["NaN", "Infinity", "-0.01", "1e999", "true", '""', '"1,5"', '" 1"', '"NaN"', "[1]", "1e12"]
)
def test_bad_money_is_malformed(given: str) -> None:
    with pytest.raises(DeadLetter, match="malformed"):
        decode(CATALOGUE, "checkout", ORDER.replace(b"-77", given.encode()))


@pytest.mark.parametrize("raw", [None, b"", b"null", b"[]", b"\xff", b'{"type":"track"}', b"[" * 60_000])
def test_what_is_no_event_is_malformed(raw: bytes | None) -> None:
    with pytest.raises(DeadLetter, match="malformed"):
        decode(CATALOGUE, "checkout", raw)
