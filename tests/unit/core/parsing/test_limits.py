"""Sizes of what is taken in: names, ids, keys, and how deep a record is nested."""

from collections.abc import Sequence

import pytest

from streams.core.catalogue.parse import parse
from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT
from streams.core.identity.tokens import Tokens
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import Applied
from streams.core.ledger.settings import LedgerSettings
from streams.core.parsing.limits import LIMIT
from tests.support.messages import NOON, identify, order, touch

CATALOGUE = parse("""base_currency = "NOK"

[[goal]]
id = "pro"
event = "Order Completed"
where = { plan = "pro" }
""")
LONG, KEY = "x" * 1025, b"sixteen letters!"


def apply(topic: str, *values: bytes, keys: Sequence[bytes | None] = ()) -> Applied:
    ledger = Ledger(LedgerSettings(CATALOGUE, KEY, replay=True))
    return ledger.apply(Batch(topic, values, keys or [None] * len(values), range(len(values))))


def fate(topic: str, raw: bytes, key: bytes | None = None) -> str:
    """The reason for which a record is a dead letter, '' where it is none."""
    (outcomes,) = apply(topic, raw, keys=[key]).outcomes
    return "".join(letter.reason for letter in outcomes.dead)


EVENTS = {
    "engagement": touch("m", NOON, note="@"),
    "checkout": order("m", NOON, "o", plan="@"),
    "identity": identify("m", NOON, "a", "u", traits="@"),
}


@pytest.mark.parametrize("topic", EVENTS)
def test_the_key_counts_into_the_size_of_a_record(topic: str) -> None:
    raw = EVENTS[topic]
    assert fate(topic, raw, b"k" * (LIMIT - len(raw))) == ""
    assert fate(topic, raw, b"k" * (LIMIT - len(raw) + 1)) == "oversized"


@pytest.mark.parametrize("topic", EVENTS)
@pytest.mark.parametrize("inside", [b'"\xff\xfe"', b"[" * 2000 + b"]" * 2000, b'{"a":' * 2000 + b"1" + b"}" * 2000])
def test_what_is_no_utf_8_or_nested_too_deep_is_malformed_wherever_it_stands(topic: str, inside: bytes) -> None:
    assert fate(topic, EVENTS[topic].replace(b'"@"', inside)) == "malformed"


@pytest.mark.parametrize("inside", [b"[" * 400 + b"]" * 400, b'"' + b"[" * 9000 + b'"', '"æ😀"'.encode()])
def test_brackets_in_texts_and_letters_beyond_ascii_are_no_fault(inside: bytes) -> None:
    for topic, raw in EVENTS.items():
        assert fate(topic, raw.replace(b'"@"', inside)) == ""


def test_the_same_record_has_the_same_fate_whatever_comes_with_it() -> None:
    bad = EVENTS["engagement"].replace(b'"@"', b"[" * 2000 + b"]" * 2000)
    together, alone = (apply(ENGAGEMENT, *values).outcomes[0].dead for values in ([bad, touch("n", NOON)], [bad]))
    assert [letter.value for letter in together] == [letter.value for letter in alone] == [bad]


@pytest.mark.parametrize("plan", [b'"\xff\xfe"', b"[" * 987 + b"]" * 987])
def test_a_property_of_where_that_cannot_be_read_costs_its_record_alone(plan: bytes) -> None:
    bad = order("m1", NOON, "1", plan="@").replace(b'"@"', plan)
    done = apply(CHECKOUT, order("m0", NOON, "0"), bad, order("m2", NOON, "2"))
    assert done.outcomes[0].counts == {"accepted": 2, "dead_letter": 1}
    assert [letter.reason for letter in done.outcomes[0].dead] == ["malformed"]


def test_ids_that_are_too_long_are_absent_and_told() -> None:
    done = apply(ENGAGEMENT, touch("m", NOON, LONG, user=LONG, anonymous="a"))
    assert done.segment.touches.user.tolist() == [Tokens(KEY).hash("a")]
    assert {kind.campaign for kind in done.segment.kinds.values()} == {"(facebook)"}
    assert {place for place, _ in done.outcomes[0].faults} == {"userId", "context.campaign.id"}
    done = apply(CHECKOUT, order("m", NOON, LONG, user=LONG, plan="pro"))
    assert [each.order_id for each in done.segment.orders] == ["m"]
    assert apply("identity", identify("m", NOON, "a", "å" * 513)).outcomes[0].counts == {"ignored": 1}
    assert apply("identity", identify("m", NOON, "a", "å" * 512)).outcomes[0].counts == {"accepted": 1}


def test_names_are_told_apart_by_their_first_200_characters() -> None:
    same, other = "😀" * 200, "x" + "😀" * 199
    values = [touch(f"m{i}", NOON, name) for i, name in enumerate((same + "a", same + "b", same, other))]
    segment = apply(ENGAGEMENT, *values).segment
    assert {kind.campaign for kind in segment.kinds.values()} == {same, other}
