"""Erasure: what is asked for, what the ledger forgets, and what counts on."""

from itertools import pairwise

import pytest

from streams.core.events.batch import Batch, Origin
from streams.core.events.topics import FORWARDED
from streams.core.exchange.router import ERASE, EVENT
from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import Segment, SegmentKey, decode, encode
from streams.core.parsing.decoding import Rejected
from streams.core.privacy.requests import apart, request, requests, rewritten, scrubbed
from tests.support.driver import KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, consent_word, identify, order, refund, touch

TOKENS = Tokens(KEY)
U = TOKENS.hash("u")


class Worker(Driver):
    def erase(self, token: str) -> None:
        self.take("erasures", request(TOKENS.hash(token)))


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_a_request_names_a_token_by_its_hash() -> None:
    assert requests([request(1), request(2**64 - 1)]) == [1, 2**64 - 1]


@pytest.mark.parametrize(
    "raw",
    [
        None, b"", b"u", b'{"user":"u"}', b'{"user":"0000000000000000"}', b'{"user":"1"}', b'{"user":1}',
        b'{"user":"00000000000000FF"}', b'{"user":"000000000000000ff"}', b'{"user":"+00000000000000f"}',
        b'{"user":"10000000000000000"}', b'{"user":"-00000000000000f"}',
    ],
)  # fmt: skip
def test_what_names_nobody_is_a_dead_letter(raw: bytes | None, worker: Worker) -> None:
    assert isinstance(requests([raw])[0], Rejected)
    applied = worker.take("erasures", raw, request(U))  # type: ignore[arg-type]
    assert applied.outcomes[0].counts == {"dead_letter": 1, "accepted": 1}
    assert applied.segment.erased == [U]


def test_a_request_of_another_version_is_told_from_a_bad_one() -> None:
    (found,) = requests([b'{"user":"00000000000000ff","version":2}'])
    assert isinstance(found, Rejected)
    assert (found.reason, found.error) == ("internal", "a maalstrom of another version asks (form 2, this one reads 1)")


def test_requests_come_apart_from_other_forwarded_records() -> None:
    purposes = [EVENT, ERASE, ERASE, EVENT, EVENT]
    origins = [Origin(purpose, "t", 0, 0) for purpose in purposes]
    parts = list(apart(Batch(FORWARDED, [b""] * 5, [None] * 5, range(5), 0, origins)))
    assert [[origin.purpose for origin in part.origins] for part in parts] == [[EVENT], [ERASE] * 2, [EVENT] * 2]
    assert all(one.offsets[-1] + 1 == other.offsets[0] for one, other in pairwise(parts))


def test_an_order_counts_on_for_nobody_and_can_still_be_refunded(worker: Worker) -> None:
    worker.engage(touch("t", NOON - HOUR))
    worker.buy(order("o", NOON, "o"))
    worker.flush()
    assert worker.conversions() == {("autumn", ""): 1}
    worker.erase("u")
    worker.flush()
    assert worker.conversions() == {("", "erased"): 1}
    worker.buy(refund("r", NOON, "o"))
    worker.flush()
    assert worker.conversions() == {}


def test_what_comes_later_starts_from_nothing(worker: Worker) -> None:
    worker.engage(touch("t", NOON - HOUR))
    worker.erase("u")
    worker.engage(touch("t", NOON - HOUR))  # sent again: still a duplicate
    worker.buy(order("o", NOON, "o"))
    worker.flush()
    assert worker.conversions() == {("", "no_touch"): 1}
    worker.engage(touch("t2", NOON - HOUR))
    worker.flush()
    assert worker.conversions() == {("autumn", ""): 1}


def test_what_was_said_of_consent_before_and_comes_again_says_nothing(worker: Worker) -> None:
    word = consent_word("word", NOON - DAY, allowed=False)
    worker.take("identity", word)
    worker.erase("u")
    worker.restart()
    assert worker.take("identity", word).outcomes[0].counts == {"duplicate": 1}
    worker.engage(touch("t", NOON - HOUR))
    worker.buy(order("o", NOON, "o"))
    worker.flush()
    assert worker.conversions() == {("autumn", ""): 1}
    worker.take("identity", consent_word("word2", NOON - DAY, allowed=False))
    worker.flush()
    assert worker.conversions() == {("", "no_consent"): 1}


def test_a_link_that_is_erased_can_be_made_again(worker: Worker) -> None:
    worker.engage(touch("t", NOON - HOUR, user=None, anonymous="a"))
    worker.buy(order("o", NOON, "o"))
    worker.identify(identify("i", NOON, "a", "u"))
    worker.flush()
    worker.erase("u")
    worker.buy(order("o2", NOON, "o2"))
    worker.flush()
    assert worker.conversions() == {("", "erased"): 1, ("", "no_touch"): 1}
    worker.identify(identify("i2", NOON, "a", "u"))
    worker.flush()
    assert worker.conversions() == {("", "erased"): 1, ("autumn", ""): 1}


def test_an_order_too_old_to_be_looked_at_again_is_erased_all_the_same(worker: Worker) -> None:
    worker.engage(touch("t", NOON - HOUR))
    worker.buy(order("o", NOON, "o"))
    worker.pass_days(40)
    worker.buy(refund("r", worker.now, "o", total=1))
    worker.flush()
    worker.pass_days(20)
    worker.flush()
    worker.erase("u")
    worker.flush()
    assert worker.conversions() == {("", "erased"): 1}


def test_a_reversal_that_waits_is_not_kept_as_it_came(worker: Worker) -> None:
    worker.buy(refund("r", NOON, "o", user="the token", total=40))
    worker.erase("the token")
    assert worker.ledger.unclaimed() == []
    worker.flush()
    journal = [(key, decode(value)) for key, value in worker.journal.items()]
    clean = dict(journal) | dict(rewritten(journal, worker.sequence, NOON // HOUR))
    assert b"the token" not in b"".join(map(encode, clean.values()))
    worker.buy(order("o", NOON, "o", user="the token"))
    worker.flush()
    (row,) = worker.database.conversions().values()
    assert (row["value"], row["reversed_value"]) == (60_000_000, 40_000_000)


def test_segments_without_the_token_are_not_written_anew(worker: Worker) -> None:
    worker.engage(touch("t", NOON - HOUR, user="v"))
    worker.flush()
    worker.erase("u")
    worker.flush()
    journal = [(key, decode(value)) for key, value in worker.journal.items()]
    due = rewritten(journal, worker.sequence, NOON // HOUR)
    assert [segment.erased for _, segment in due] == [[]]
    assert rewritten(journal, due[0][0].sequence - 1, NOON // HOUR) == []


def test_a_segment_of_others_stays_as_it_is() -> None:
    assert scrubbed(Segment(), U) == Segment()
    assert rewritten([(SegmentKey(1, 1, 1), Segment())], 1, 1) == []


def test_nobody_is_left_after_days() -> None:
    worker = Worker(now=NOON + DAY)
    worker.engage(touch("t", NOON))
    worker.erase("u")
    worker.restart()
    worker.buy(order("o", NOON + HOUR, "o"))
    worker.flush()
    assert worker.conversions() == {("", "no_touch"): 1}
