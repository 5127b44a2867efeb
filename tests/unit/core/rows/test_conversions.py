"""Rows of conversions, each with its touches and credit; and who was seen."""

import numpy as np

from streams.core.attribution.conversion import WITHDRAWN, Conversion
from streams.core.attribution.models import MODELS
from streams.core.columns.dictionary import Dictionary
from streams.core.columns.message_ids import MessageIds
from streams.core.columns.run import KeyedRows
from streams.core.journeys.kinds import TouchKind, TouchKinds
from streams.core.orders.value import OPEN, PARTLY, REVERSED
from streams.core.rows.contributions import contributions
from streams.core.rows.conversions import conversion_columns, seen_columns
from streams.core.rows.credit import PendingCredit
from streams.core.rows.tables import TABLES
from tests.support.messages import DAY, HOUR, NOON
from tests.support.statements import kinds, statement
from tests.support.tables import rows


def credited(*statements: Conversion) -> PendingCredit:
    """The credit of those statements, as their totals have it."""
    made = PendingCredit()
    made.add(contributions(statements, kinds(), Dictionary()).credit, {s.key: s for s in statements})
    return made


def row_of(given: Conversion) -> dict[str, object]:
    (row,) = rows(conversion_columns([given], kinds(), credited(given)))
    return row


def test_a_row_says_what_was_stated() -> None:
    given = statement(
        0, 1, time=NOON + 1, user=2**64 - 1, remaining=400_000, status=PARTLY, first=NOON, updated=NOON + HOUR
    )
    row = row_of(given)
    assert set(row) == set(TABLES["conversions"].columns)
    credit = row.pop("credit")
    assert row == {
        "goal": "g",
        "conversion_id": "o",
        "occurred_at": NOON + 1,
        "first_reported_at": NOON // 1000,
        "updated_at": (NOON + HOUR) // 1000,
        "value": 400_000,
        "value_known": 1,
        "reversed_value": 600_000,
        "currency": "NOK",
        "customer": "new",
        "reason": "",
        "user": 2**64 - 1,
        "touch_at": [NOON - 2 * HOUR, NOON - HOUR],
        "touch_campaign": ["a", "b"],
        "touch_network": ["x", "x"],
        "touch_action": ["click", "click"],
        "status": PARTLY,
        "version": ((1 << 42) - 1 - (NOON + 1)) << 22 | 1,
    }
    assert isinstance(credit, dict)
    assert credit.keys() == MODELS.keys()
    assert (credit["linear"], credit["first"]) == ([500_000, 500_000], [1_000_000, 0])


def test_what_is_taken_back_whole_has_no_credit_left() -> None:
    credit = row_of(statement(0, 1, remaining=0, status=REVERSED))["credit"]
    assert credit == {model: [0, 0] for model in MODELS}


def test_what_is_withdrawn_looks_reversed_and_empty() -> None:
    row = row_of(statement(value=0, remaining=0, user=0, status=WITHDRAWN))
    assert (row["status"], row["value"], row["reversed_value"], row["touch_at"]) == (REVERSED, 0, 0, [])


def test_rows_with_and_without_touches_keep_their_own() -> None:
    some = [
        statement(order_id="none", reason="no_touch"),
        statement(0, order_id="one"),
        statement(order_id="denied", reason="no_consent", user=0),
        statement(1, 2, order_id="two", status=OPEN),
    ]
    found = {row["conversion_id"]: row for row in rows(conversion_columns(some, kinds(), credited(*some)))}
    assert {id_: row["touch_campaign"] for id_, row in found.items()} == {
        "none": [],
        "one": ["a"],
        "denied": [],
        "two": ["b", "a"],
    }
    assert {id_: row["reason"] for id_, row in found.items() if row["reason"]} == {
        "none": "no_touch",
        "denied": "no_consent",
    }
    assert found["none"]["credit"] == {model: [] for model in MODELS}
    assert found["two"]["credit"]["last"] == [0, 1_000_000]


def seen(*events: tuple[int, int, int]) -> list[tuple[int, str, str, int]]:
    """(day, campaign, network, user) rows of events (user, time, kind), given in two parts."""
    words = TouchKinds()
    words.codes(
        [
            TouchKind("a", "x", "click"),
            TouchKind("a", "x", "view"),
            TouchKind("b", "x", "click"),
            TouchKind("", "y", "like"),
        ]
    )
    parts = [events[: len(events) // 2], events[len(events) // 2 :]]
    columns = seen_columns([touches(part) for part in parts], words)
    return sorted((row["day"], row["campaign"], row["network"], row["user"]) for row in rows(columns))


def touches(events: tuple[tuple[int, int, int], ...]) -> KeyedRows:
    user, time, kind = zip(*events, strict=True) if events else ((), (), ())
    keys = MessageIds().keys([f"{i}" for i in range(len(events))])
    return KeyedRows(np.array(user, np.uint64), np.array(time, np.int64), np.array(kind, np.uint32), keys)


def test_a_user_is_seen_once_a_day_and_means() -> None:
    day = NOON // DAY
    found = seen((5, NOON, 0), (5, NOON + 1, 1), (5, NOON + DAY, 0), (5, NOON, 2), (9, NOON, 0), (5, NOON, 3))
    assert found == [
        (day, "", "y", 5),
        (day, "a", "x", 5),
        (day, "a", "x", 9),
        (day, "b", "x", 5),
        (day + 1, "a", "x", 5),
    ]


def test_nobody_is_seen_without_a_token() -> None:
    assert seen((0, NOON, 0), (2**64 - 1, NOON, 0)) == [(NOON // DAY, "a", "x", 2**64 - 1)]


def test_of_very_many_events_no_user_is_seen_twice() -> None:
    found = seen(*((user % 97, NOON + user, user % 3) for user in range(3000)))
    assert len(found) == len(set(found)) == 96 * 2
