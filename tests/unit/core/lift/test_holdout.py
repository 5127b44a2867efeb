"""Who is held out of a campaign: the same everywhere, in the share that was asked for, anew with another salt."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.catalogue.parse import Holdout, parse
from streams.core.identity.tokens import Tokens
from streams.core.lift.holdout import Holdouts, held

KEY = b"sixteen letters!"
CATALOGUE = parse("""base_currency = "NOK"
[[goal]]
id = "g"
event = "E"
[[campaign]]
id = "autumn"
[[campaign]]
id = "paper"
[[campaign]]
id = "search"
[[holdout]]
campaign = "autumn"
share = 0.5
salt = "first"
[[holdout]]
campaign = "paper"
share = 0.5
salt = "second"
""")
AUTUMN, PAPER = CATALOGUE.holdouts
USERS = Tokens(KEY).hashes([f"user-{n}" for n in range(100_000)])


def test_who_is_held_out_never_changes() -> None:
    groups = {token: Holdouts(CATALOGUE, KEY).of(token) for token in ("anna", "bo", "cecilie", "dag", "æ")}
    assert groups == {
        "anna": set(),
        "bo": {"paper"},
        "cecilie": set(),
        "dag": {"autumn"},
        "æ": {"autumn"},
    }


def test_another_key_gives_other_groups() -> None:
    tokens = [f"user-{n}" for n in range(64)]
    first, second = Holdouts(CATALOGUE, KEY), Holdouts(CATALOGUE, b"another sixteen!")
    assert [first.of(token) for token in tokens] != [second.of(token) for token in tokens]


def test_nobody_is_held_out_without_a_token() -> None:
    all_ = replace(CATALOGUE, holdouts=(replace(AUTUMN, share=Decimal("0.999999")),))
    assert Holdouts(all_, KEY).of("anna") == {"autumn"}
    assert Holdouts(all_, KEY).of("") == set()


@pytest.mark.parametrize("share", ["0.000001", "0.01", "0.1", "0.5", "0.999999"])
def test_the_share_is_what_was_asked_for(share: str) -> None:
    expected = float(share) * len(USERS)
    found = held(replace(AUTUMN, share=Decimal(share)), USERS).sum()
    assert abs(found - expected) < 5 * (expected * (1 - float(share))) ** 0.5 + 1


def test_two_salts_choose_independently() -> None:
    both = held(AUTUMN, USERS) & held(PAPER, USERS)
    assert abs(both.mean() - 0.25) < 0.01


@given(st.decimals("0.000001", "0.999999", places=6), st.decimals("0.000001", "0.999999", places=6), st.text())
def test_a_larger_share_holds_the_same_users_and_more(one: Decimal, other: Decimal, salt: str) -> None:
    smaller, larger = (held(Holdout(AUTUMN.campaign, share, salt), USERS[:500]) for share in sorted((one, other)))
    assert not (smaller & ~larger).any()


@given(st.lists(st.text(min_size=1), min_size=1))
def test_one_token_or_many_at_once_is_the_same(tokens: list[str]) -> None:
    at_once = held(AUTUMN, Tokens(KEY).hashes(tokens)).tolist()
    assert at_once == ["autumn" in Holdouts(CATALOGUE, KEY).of(token) for token in tokens]
    assert np.asarray(at_once).dtype == np.bool_
