"""Whose a dead letter is."""

import json

import pytest

from streams.core.identity.tokens import Tokens
from streams.kafka.erasure import Person

TOKENS = Tokens(b"sixteen letters!")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"u", None),
        (b"u", b"anything"),
        (None, b'{"userId": "u"}'),
        (None, b'{"anonymousId":"u","type":3}'),
        (None, b'{"previousId": "\\u0075"}'),
        (None, b'{"userId": "u", and no more'),
    ],
)
def test_a_letter_that_names_the_token_is_the_person_s(key: bytes | None, value: bytes | None) -> None:
    assert Person("u", TOKENS).in_letter(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, None),
        (b"uu", b""),
        (b"v", b'{"userId": "v", "context": {"campaign": {"id": "u"}}}'),
        (b"v", b'{"userId": "uu", and no more'),
        (b"v", b"[]"),
        (b"v", b"[" * 100_000),
    ],
)
def test_a_letter_that_does_not_is_not(key: bytes | None, value: bytes | None) -> None:
    assert not Person("u", TOKENS).in_letter(key, value)


@pytest.mark.parametrize("token", ["æ", "\U0001f30a", 'a "quote"'])
def test_bytes_that_are_no_json_name_a_token_in_either_spelling(token: str) -> None:
    person = Person(token, TOKENS)
    for ascii_only in (True, False):
        text = json.dumps({"userId": token}, ensure_ascii=ascii_only)
        assert person.in_letter(None, text[:-1].encode())
