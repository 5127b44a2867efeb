"""The oracle keeps the contract's promises on the streams that sites send."""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracle import Result, attribute
from tests.support.judged import assert_adds_up
from tests.support.site.site_streams import Stream, site_streams
from tests.support.site.site_words import CATALOGUE, SOURCES

slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def told(stream: Stream) -> Result:
    return attribute(CATALOGUE, stream, SOURCES)


def final(result: Result) -> dict[str, Any]:
    """What does not depend on arrival."""
    names = ("conversions", "figures", "goal_attribution", "days", "engagement_counts", "path_transitions", "links")
    told_of = ("unknown_orders", "currency_mismatches", "order_conflicts")
    return {name: getattr(result, name) for name in names + told_of}


@slow
@given(site_streams(conflicts=True))
def test_credit_and_value_add_up_exactly(stream: Stream) -> None:
    result = told(stream)
    assert_adds_up(result)
    standing = sum(row["status"] != "reversed" for row in result.conversions.values())
    assert sum(count for count, _ in result.days.values()) == standing


@slow
@given(site_streams(conflicts=True))
def test_every_message_ends_in_an_effect_a_dead_letter_or_a_counted_reason(stream: Stream) -> None:
    result = told(stream)
    by_outcome: Counter[str] = Counter()
    for (_, outcome, _), n in result.outcomes.items():
        by_outcome[outcome] += n
    assert by_outcome["ignored"] == result.ignored.total()
    assert by_outcome["dead_letter"] == len(result.dead_letters)
    batches = sum(value.startswith(b'{"batch": [') for _, value in stream)
    assert by_outcome.total() >= len(stream) - batches


@slow
@given(site_streams(), st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_arrival(stream: Stream, random: Any) -> None:
    shuffled = stream + stream[: len(stream) // 2]
    random.shuffle(shuffled)
    assert final(told(stream)) == final(told(shuffled))


@slow
@given(site_streams(), st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_how_often_each_record_came(stream: Stream, random: Any) -> None:
    often = [record for record in stream for _ in range(random.randrange(1, 4))]
    one, other = told(stream), told(often)
    assert final(one) == final(other)
    assert one.faults == other.faults
    assert one.conflicting_ids == other.conflicting_ids


def test_the_streams_meet_every_edge() -> None:
    met: Counter[str] = Counter()

    @settings(slow, derandomize=True, max_examples=600, database=None)
    @given(site_streams())
    def look(stream: Stream) -> None:
        result = told(stream)
        met.update(row[name] for row in result.conversions.values() for name in ("reason", "status", "customer"))
        met.update(action for row in result.conversions.values() for action in row["touch_action"])
        met.update(outcome for _, outcome, _ in result.outcomes)
        told_of = ("unknown_orders", "currency_mismatches", "order_conflicts", "conflicting_ids", "faults", "links")
        met.update(name for name in told_of if getattr(result, name))

    look()
    reasons = ("", "no_consent", "no_token", "out_of_window", "no_touch", "ambiguous_identity")
    outcomes = ("accepted", "duplicate", "repeated", "ignored", "no_consent", "dead_letter")
    told_of = ("unknown_orders", "currency_mismatches", "order_conflicts", "conflicting_ids", "faults", "links")
    states = ("open", "partly_reversed", "reversed", "new", "returning", "unknown", "token", "visit", "click", "view")
    assert [name for name in (*reasons, *outcomes, *told_of, *states) if not met[name]] == []
