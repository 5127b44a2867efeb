"""Statements: what was reported of a conversion, and as columns of many."""

from msgspec import structs

from streams.core.attribution.conversion import WITHDRAWN, paths
from streams.core.journeys.kinds import TouchKind, TouchKinds
from streams.core.orders.value import OPEN, PARTLY, REVERSED
from tests.support.messages import HOUR, NOON
from tests.support.statements import statement


def test_it_counts_while_anything_remains() -> None:
    counted = {status: statement(status=status).counted for status in (OPEN, PARTLY, REVERSED, WITHDRAWN)}
    assert counted == {OPEN: 1, PARTLY: 1, REVERSED: 0, WITHDRAWN: 0}


def test_two_say_the_same_whenever_they_were_reported() -> None:
    one = statement(3)
    assert one.same_as(structs.replace(one, first=1, updated=2, cause="reversal"))
    assert not one.same_as(None)
    assert not one.same_as(structs.replace(one, remaining=99))
    assert not one.same_as(statement(4))


def test_its_touches_are_a_time_and_a_kind_each() -> None:
    one = statement(3, 7)
    assert one.kinds.tolist() == [3, 7]
    assert len(one.touches) == 2 * 12


def test_paths_are_the_touches_of_all_with_what_the_models_need() -> None:
    kinds = TouchKinds()
    kinds.codes(
        [TouchKind("autumn", "x", "view"), TouchKind("autumn", "x", "click"), TouchKind("paper", "shop", "scan")]
    )
    time, kind, journeys = paths([statement(0, 1), statement(2, time=NOON + 5)], kinds)
    assert time.tolist() == [NOON - 2 * HOUR, NOON - HOUR, NOON - HOUR]
    assert kind.tolist() == [0, 1, 2]
    assert journeys.starts.tolist() == [0, 2, 3]
    assert journeys.age.tolist() == [2 * HOUR, HOUR, HOUR + 5]
    assert journeys.click.tolist() == [False, True, True]
    assert journeys.campaign.tolist() == [0, 0, 1]


def test_no_statements_have_no_paths() -> None:
    assert paths([], TouchKinds()).journeys.starts.tolist() == [0]
