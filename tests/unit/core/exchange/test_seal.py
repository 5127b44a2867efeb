"""Forwarded records: what a worker sealed is opened as it was, and anything else is a dead letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.door.canonical import Message, Touch, Words
from streams.core.events.batch import Batch, Forward, Origin
from streams.core.events.topics import FORWARDED
from streams.core.exchange import seal
from streams.core.exchange.messages import packed
from streams.core.exchange.router import CLAIM, EVENT, FOREIGN, UPDATE
from streams.core.exchange.seal import Seal
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.driver import CATALOGUE, KEY
from tests.support.messages import NOON, touch

SEAL = Seal(b"sixteen letters!")
some_bytes = st.none() | st.binary(max_size=20)
purposes, topics = st.sampled_from([EVENT, CLAIM, UPDATE]), st.sampled_from(["checkout", "forwarded"])
origins = st.builds(Origin, purposes, topics, st.integers(0, 9), st.integers(0, 2**40), st.just(""))
forwards = st.builds(Forward, st.integers(0, 9), origins, some_bytes, some_bytes)


@given(forwards)
def test_what_was_sealed_is_opened(forward: Forward) -> None:
    assert SEAL.opened((forward.target, 7), SEAL.headers(forward), forward.key, forward.value) == forward.origin


@given(forwards, forwards)
def test_no_part_of_it_can_be_anothers(one: Forward, other: Forward) -> None:
    target, origin, key, value = one
    mixed = Forward(other.target, origin, key, value), Forward(target, origin, other.key, value)
    for wrong in (*mixed, Forward(target, origin, key, other.value), Forward(target, other.origin, key, value)):
        headers = [*SEAL.headers(wrong)[:-1], SEAL.headers(one)[-1]]
        found = SEAL.opened((wrong.target, 7), headers, wrong.key, wrong.value)
        assert (found == origin) if wrong == one else found[:4] == (FOREIGN, FORWARDED, wrong.target, 7)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("purpose", None), ("topic", b"t"), ("partition", b"x"), ("offset", b"0")],
        [("purpose", b"lend"), ("topic", b"forwarded"), ("partition", b"0"), ("offset", b"0"), ("seal", bytes(16))],
        [("\udcff", b"\xff"), ("seal", None)],
        Seal(b"another key 1234").headers(Forward(0, Origin(CLAIM, "checkout", 0, 0), None, b"x")),
    ],
)
def test_what_is_none_of_ours_is_a_dead_letter_and_the_others_count(headers: seal.Headers) -> None:
    words = Words(id="autumn", network="facebook")
    event = Touch(Message("m", True, NOON, "u", "", None), "click", words)
    good = Forward(0, Origin(EVENT, "engagement", 1, 5), None, packed(event, touch("m", NOON)))
    sent = [(headers, b"k", b"garbage"), (SEAL.headers(good), None, good.value), (headers, None, None)]
    found = [SEAL.opened((0, at), each, key, value) for at, (each, key, value) in enumerate(sent)]
    batch = Batch(FORWARDED, [value for *_, value in sent], [key for _, key, _ in sent], range(3), 0, found)
    done = Ledger(LedgerSettings(CATALOGUE, KEY, 10**13), 0, 2).apply(batch, NOON)
    letters = [letter for outcomes in done.outcomes for letter in outcomes.dead]
    assert [(letter.topic, letter.offset, letter.key, letter.value, letter.reason) for letter in letters] == [
        (FORWARDED, 0, b"k", b"garbage", "internal"),
        (FORWARDED, 2, None, None, "internal"),
    ]
    assert len(done.segment.touches.user) == 1


def test_a_record_of_another_version_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = Forward(0, Origin(CLAIM, "checkout", 0, 0), None, b"x")
    monkeypatch.setattr(seal, "VERSION", 2)
    headers = SEAL.headers(forward)
    monkeypatch.undo()
    found = SEAL.opened((0, 3), headers, None, b"x")
    assert (found.purpose, found.why) == (
        FOREIGN,
        "a worker of another version wrote it (form 2, this one reads 1): run one version",
    )
