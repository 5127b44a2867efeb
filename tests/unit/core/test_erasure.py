"""Erasure: what is asked for, what the ledger forgets, and what counts on."""

from itertools import pairwise

import pytest

from streams.core.admission import Batch, Origin
from streams.core.erasure import apart, request, requests, rewritten, scrubbed
from streams.core.events import Rejected
from streams.core.routing import ERASE, EVENT, FORWARDED
from streams.core.segment import Segment, SegmentKey, decode, encode
from streams.core.tokens import Tokens
from tests.driver import KEY, Driver
from tests.messages import DAY, HOUR, NOON, identify, order, refund, touch

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
    ],
)  # fmt: skip
def test_what_names_nobody_is_a_dead_letter(raw: bytes | None, worker: Worker) -> None:
    assert isinstance(requests([raw])[0], Rejected)
    applied = worker.take("erasures", raw, request(U))  # type: ignore[arg-type]
    assert applied.outcomes[0].counts == {"dead_letter": 1, "accepted": 1}
    assert applied.segment.erased == [U]


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
    clean = dict(journal) | dict(rewritten(journal, worker.sequence, NOON // HOUR, TOKENS))
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
    due = rewritten(journal, worker.sequence, NOON // HOUR, TOKENS)
    assert [segment.erased for _, segment in due] == [[]]
    assert rewritten(journal, due[0][0].sequence - 1, NOON // HOUR, TOKENS) == []


def test_a_segment_of_others_stays_as_it_is() -> None:
    assert scrubbed(Segment(), U, TOKENS) == Segment()
    assert rewritten([(SegmentKey(1, 1, 1), Segment())], 1, 1, TOKENS) == []


def test_nobody_is_left_after_days() -> None:
    worker = Worker(now=NOON + DAY)
    worker.engage(touch("t", NOON))
    worker.erase("u")
    worker.restart()
    worker.buy(order("o", NOON + HOUR, "o"))
    worker.flush()
    assert worker.conversions() == {("", "no_touch"): 1}
