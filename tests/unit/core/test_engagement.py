"""Engagement events as columns: who, when, which kind, and under which key."""

from typing import Any

import pytest

from streams.core.codes import Kind, Kinds
from streams.core.engagement import EngagementColumns
from streams.core.events import Engagement, engagements, times
from streams.core.message_ids import MessageIds
from streams.core.runs import Touches
from streams.core.tokens import Tokens
from tests.messages import NOON, denied, touch
from tests.strategies import CATALOGUE

TOKENS = Tokens(b"sixteen letters!")


class Made:
    """The columns of some events, and what their codes and keys stand for."""

    def __init__(self, *values: bytes) -> None:
        self.kinds, self.ids = Kinds(), MessageIds()
        columns = EngagementColumns(CATALOGUE, TOKENS, self.kinds, self.ids)
        events = [event for event in engagements(values) if isinstance(event, Engagement)]
        assert len(events) == len(values)
        self.touches: Touches
        self.touches, self.denied = columns.touches(events, times([event.timestamp for event in events]))

    @property
    def words(self) -> list[Kind]:
        return [self.kinds.words[code] for code in self.touches.kind.tolist()]


def test_one_row_an_event() -> None:
    made = Made(touch("a", NOON), touch("b" * 40, NOON + 1, user="v"), touch("a", NOON + 2, "", "view", user=None))
    assert made.touches.user.tolist() == [TOKENS.hash("u"), TOKENS.hash("v"), 0]
    assert made.touches.time.tolist() == [NOON, NOON + 1, NOON + 2]
    assert made.words == [("Autumn", "facebook", "click")] * 2 + [("", "facebook", "view")]
    keys = made.touches.keys
    assert [made.ids.text(*map(int, key)) for key in zip(*keys, strict=True)] == ["a", "b" * 40, "a"]


def test_a_user_who_denied_consent_is_not_kept() -> None:
    made = Made(touch("a", NOON, consent=denied()), touch("b", NOON, consent=denied(advertising=True)))
    assert made.denied.tolist() == [True, False]
    assert made.touches.user.tolist() == [0, TOKENS.hash("u")]


@pytest.mark.parametrize(
    ("more", "campaign"),
    [
        ({"campaign": {"id": "AUTUMN-2026"}}, "Autumn"),
        ({"campaign": {"id": "høst", "name": "paper"}}, "Autumn"),
        ({"campaign": {"id": "", "name": "autumn ON facebook"}}, "Autumn"),
        ({"campaign": {"name": "Same name"}}, "same name"),  # of two campaigns: neither
        ({"campaign": {"id": "Unlisted"}}, "unlisted"),
        ({"campaign": None, "coupon": "HOST10"}, "Autumn"),
        ({"campaign": None, "coupon": "host10"}, "paper"),
        ({"campaign": {"id": "search"}, "coupon": "HOST10"}, "search"),
        ({"campaign": {}, "coupon": "?"}, ""),
    ],
)
def test_the_campaign_goes_through_the_catalogue(more: dict[str, Any], campaign: str) -> None:
    assert Made(touch("a", NOON, **more)).words == [(campaign, "facebook", "click")]


def test_networks_compare_case_insensitively() -> None:
    made = Made(touch("a", NOON, network="FaceBook"), touch("b", NOON, network="ÉCOLE"))
    assert [kind.network for kind in made.words] == ["facebook", "école"]
    assert len(set(Made(touch("a", NOON, network="X"), touch("b", NOON, network="x")).touches.kind.tolist())) == 1


def test_very_many_kinds_are_told_apart() -> None:
    made = Made(*(touch(f"{i}", NOON, f"campaign-{i % 300}") for i in range(600)))
    assert [kind.campaign for kind in made.words] == [f"campaign-{i % 300}" for i in range(600)]


def test_no_events_make_no_rows() -> None:
    assert len(Made().touches.user) == 0
