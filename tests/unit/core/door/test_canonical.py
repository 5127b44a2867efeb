"""Canonical events: who a message belongs to."""

import pytest

from streams.core.door.canonical import Message


@pytest.mark.parametrize(
    ("user", "anonymous", "token", "key"),
    [("u", "a", "u", "u"), ("", "a", "a", "a"), ("u", "", "u", "u"), ("", "", "", "m")],
)
def test_the_user_id_goes_before_the_anonymous_id(user: str, anonymous: str, token: str, key: str) -> None:
    message = Message("m", True, 0, user, anonymous, None)
    assert (message.token, message.routing_key) == (token, key)
