"""Touches as rows: who, when, which kind, and under which key."""

from typing import Any

import pytest

from streams.core.columns.message_ids import MessageIds
from streams.core.door.plain.batches import BatchReader
from streams.core.identity.tokens import Tokens
from streams.core.journeys.from_events import TouchBuilder, columns_of, selected, touch_of
from streams.core.journeys.kinds import TouchKind, TouchKinds
from streams.core.ledger.settings import LedgerSettings
from tests.support.messages import NOON, denied, touch
from tests.support.strategies import CATALOGUE

TOKENS = Tokens(b"sixteen letters!")


class Made:
    """The rows of some events, and what their codes and keys stand for."""

    def __init__(self, *values: bytes) -> None:
        self.kinds, self.ids = TouchKinds(CATALOGUE), MessageIds()
        self.columns = BatchReader(LedgerSettings(CATALOGUE, b"").reading("events")).read(values).touches
        assert len(self.columns.kind) == len(values)
        self.touches, self.denied = TouchBuilder(CATALOGUE, TOKENS, self.kinds, self.ids).rows(self.columns)

    @property
    def words(self) -> list[TouchKind]:
        return [self.kinds.words[code] for code in self.touches.kind.tolist()]


def test_one_row_an_event() -> None:
    made = Made(touch("a", NOON), touch("b" * 40, NOON + 1, user="v"), touch("a", NOON + 2, "", "view", user=None))
    assert made.touches.user.tolist() == [TOKENS.hash("u"), TOKENS.hash("v"), 0]
    assert made.touches.time.tolist() == [NOON, NOON + 1, NOON + 2]
    assert [kind[:3] for kind in made.words] == [
        *[("Autumn", "facebook", "click")] * 2,
        ("(facebook)", "facebook", "view"),
    ]
    keys = zip(*made.touches.keys, made.touches.user, strict=True)
    assert [made.ids.text(*map(int, key)) for key in keys] == ["a", "b" * 40, "a"]


def test_a_user_who_denied_consent_is_not_kept_and_one_who_consents_is_told_from_one_who_says_nothing() -> None:
    made = Made(
        touch("a", NOON, consent=denied()), touch("b", NOON, consent=denied(advertising=True)), touch("c", NOON)
    )
    assert made.denied.tolist() == [True, False, False]
    assert made.touches.user.tolist() == [0, TOKENS.hash("u"), TOKENS.hash("u")]
    assert made.kinds.consented[made.touches.kind].tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("more", "campaign"),
    [
        ({"campaign": {"id": "AUTUMN-2026"}}, "Autumn"),
        ({"campaign": {"id": "høst", "name": "paper"}}, "Autumn"),
        ({"campaign": {"id": "", "name": "autumn ON facebook"}}, "autumn on facebook"),  # a name is for people
        ({"campaign": {"name": "Same name"}}, "same name"),  # of two campaigns: neither
        ({"campaign": {"id": "Unlisted"}}, "unlisted"),
        ({"campaign": None, "coupon": "HOST10"}, "Autumn"),
        ({"campaign": None, "coupon": "host10"}, "Autumn"),
        ({"campaign": {"id": "search"}, "coupon": "HOST10"}, "search"),
        ({"campaign": {}, "coupon": "?"}, "(facebook)"),
    ],
)
def test_the_campaign_goes_through_the_catalogue(more: dict[str, Any], campaign: str) -> None:
    assert [kind[:3] for kind in Made(touch("a", NOON, **more)).words] == [(campaign, "facebook", "click")]


def test_networks_compare_as_names_do() -> None:
    made = Made(touch("a", NOON, network="FaceBook"), touch("b", NOON, network="ÉCOLE"))
    assert [kind.network for kind in made.words] == ["facebook", "école"]
    assert len(set(Made(touch("a", NOON, network="X"), touch("b", NOON, network="x")).touches.kind.tolist())) == 1


def test_very_many_kinds_are_told_apart() -> None:
    made = Made(*(touch(f"{i}", NOON, f"campaign-{i % 300}") for i in range(600)))
    assert [kind.campaign for kind in made.words] == [f"campaign-{i % 300}" for i in range(600)]


def test_some_of_the_touches_are_the_same_as_one_by_one() -> None:
    columns = Made(*(touch(f"{i}", NOON + i, "a", user=None, anonymous=f"x{i}") for i in range(5))).columns
    one_by_one = columns_of({columns.at[i]: touch_of(columns, i) for i in (1, 3)})
    few = selected(columns, columns.time % 2 == 1)
    assert [touch_of(few, i) for i in range(2)] == [touch_of(one_by_one, i) for i in range(2)]
    assert (list(few.at), few.time.tolist()) == ([1, 3], [NOON + 1, NOON + 3])


def test_no_events_make_no_rows() -> None:
    assert len(Made().touches.user) == 0
