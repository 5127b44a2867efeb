"""Cookies of sessions: whose they are, and what ends them."""

from __future__ import annotations

import base64

import pytest

from streams.page.access.sessions import LASTS, Sessions
from streams.page.access.users import User

KEY = b"a secret of the tests"
ANNA = User("anna", "$2b$12$" + "a" * 53, "leader")
OLA = User("ola", "$2b$12$" + "b" * 53, "operator")
USERS = {"anna": ANNA, "ola": OLA}


def test_it_is_that_users_until_it_ends_at_every_worker_with_the_key() -> None:
    cookie = Sessions(KEY).begin(ANNA, 1000)
    assert Sessions(KEY).user(cookie, USERS, 1000 + LASTS - 1) == ANNA
    assert Sessions(KEY).user(cookie, USERS, 1000 + LASTS) is None
    assert Sessions(b"another secret of tests").user(cookie, USERS, 1000) is None
    assert Sessions(KEY).begin(ANNA, 1000) != cookie


@pytest.mark.parametrize(
    "users",
    [{}, {"anna": User("anna", OLA.hash, "leader")}, {"anna": User("anna", ANNA.hash, "operator")}],
    ids=["taken out", "another password", "another role"],
)
def test_who_changes_has_none_any_more(users: dict[str, User]) -> None:
    sessions = Sessions(KEY)
    assert sessions.user(sessions.begin(ANNA, 0), users, 1) is None


def test_who_logs_out_has_none_any_more_and_others_have() -> None:
    sessions = Sessions(KEY)
    ended, other = sessions.begin(ANNA, 0), sessions.begin(ANNA, 0)
    sessions.end(ended)
    assert [sessions.user(cookie, USERS, 1) for cookie in (ended, other)] == [None, ANNA]


def test_nothing_else_is_taken() -> None:
    sessions = Sessions(KEY)
    said, mac = sessions.begin(ANNA, 0).split(".")
    as_ola = base64.urlsafe_b64encode(base64.urlsafe_b64decode(said + "==").replace(b"anna", b"ola")).decode()
    made_up = [
        "",
        ".",
        said,
        f"{said}.",
        f"{said}.{mac[:-1]}",
        f"{as_ola}.{mac}",
        "é.é",
        "*.*",
        f"{said}=.{mac}x",
        "a" * 4000,
    ]
    assert [sessions.user(each, USERS, 1) for each in made_up] == [None] * len(made_up)
    for each in made_up:
        sessions.end(each)
    form = sessions.form("nonce")
    assert form != sessions.form("other")
    assert sessions.user(f"{said}.{form}", USERS, 1) is None
