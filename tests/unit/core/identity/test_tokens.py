"""Tokens: what is kept of them."""

from hashlib import blake2b

import pytest

from streams.core.identity import tokens as tokens_module
from streams.core.identity.tokens import Tokens

KEY = b"a secret of the tests"


def test_no_token_is_zero_and_one_token_is_one_number() -> None:
    tokens = Tokens(KEY)
    assert tokens.hashes(["", "u", "", "v", "u"]).tolist() == [
        0,
        tokens.hash("u"),
        0,
        tokens.hash("v"),
        tokens.hash("u"),
    ]
    assert tokens.hash("") == 0
    assert tokens.hash("u") != tokens.hash("v")
    assert tokens.hashes([]).tolist() == []


def test_the_hash_is_blake2b_with_the_key_so_that_every_process_has_the_same() -> None:
    key = blake2b(KEY, digest_size=32).digest()
    for token in ("u", "Ærlig Talt", "x" * 300):
        digest = blake2b(token.encode(), digest_size=8, key=key).digest()
        assert Tokens(KEY).hash(token) == int.from_bytes(digest, "little")


def test_another_key_gives_other_hashes() -> None:
    assert Tokens(KEY).hash("u") != Tokens(KEY + b".").hash("u")


def test_a_key_may_have_any_length() -> None:
    assert len({Tokens(b"k" * n).hash("u") for n in (16, 64, 65, 1000)}) == 4


def test_tokens_are_remembered_up_to_a_number_and_hashed_the_same_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "_CACHED", 10)
    hasher, texts = Tokens(b"sixteen letters!"), [f"token-{n}" for n in range(25)]
    alone = [Tokens(b"sixteen letters!").hash(text) for text in texts]
    assert hasher.hashes([*texts, *texts, ""]).tolist() == [*alone, *alone, 0]
    assert [hasher.hash(text) for text in texts] == alone
    assert len(hasher._known) <= 10
    hasher.forget()
    assert list(hasher._known) == [""]


def test_a_fingerprint_tells_keys_apart_and_is_no_tokens_hash() -> None:
    one, two = Tokens(b"one key of sixteen"), Tokens(b"two key of sixteen")
    assert one.fingerprint == Tokens(b"one key of sixteen").fingerprint
    assert one.fingerprint != two.fingerprint
    assert 0 < one.fingerprint < 2**64
    assert one.hash(tokens_module._NO_TOKEN.decode()) != one.fingerprint
