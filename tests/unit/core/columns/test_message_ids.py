"""Message ids as keys: one key an id, and the id's text back from it."""

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns.message_ids import LONG, SHORT, UPPER, UUID, Keys, MessageIds, plain_keys
from tests.support.strategies import MESSAGE_IDS

IDS = st.uuids().map(str) | st.uuids().map(lambda id_: str(id_).upper())
FORMS = {
    "a": SHORT,
    "0123456789abcdef": SHORT,
    "é" * 8: SHORT,  # 16 bytes
    "é" * 8 + "a": LONG,
    "0123456789abcdef0": LONG,
    "45c0ff53-dfe1-4fe2-998c-74b6eee21a19": UUID,
    "00000000-0000-0000-0000-000000000000": UUID,
    "45C0FF53-DFE1-4FE2-998C-74B6EEE21A19": UPPER,
    "45C0FF53-DFE1-4FE2-998C-74B6EEE21a19": LONG,
    "0045C0FF53-DFE1-4FE2-998C-74B6EEE219": LONG,
    "45c0ff53-dfe1-4fe2-998c-74b6eee21a1g": LONG,
    "45c0ff53dfe1-4fe2-998c-74b6eee21a19-": LONG,
    "é" * 18: LONG,  # 36 bytes
    "a" * 256: LONG,
    "\0": LONG,
    "a\0": LONG,
}


def one(keys: Keys, i: int) -> tuple[int, int, int]:
    return int(keys.high[i]), int(keys.low[i]), int(keys.form[i])


def texts(ids: MessageIds, keys: Keys) -> list[str]:
    return [ids.text(*one(keys, i)) for i in range(len(keys.low))]


def test_an_id_is_kept_in_the_smallest_form_that_gives_it_back() -> None:
    ids = MessageIds()
    keys = ids.keys(list(FORMS))
    assert dict(zip(FORMS, keys.form.tolist(), strict=True)) == FORMS
    assert texts(ids, keys) == list(FORMS)


def test_only_long_ids_keep_their_text() -> None:
    ids = MessageIds()
    keys = ids.keys(list(FORMS))
    assert sorted(ids.texts.values()) == sorted(text for text, form in FORMS.items() if form == LONG)
    assert ids.texts_of(keys) == [(*key, text) for key, text in ids.texts.items()]


def test_forgotten_texts_are_gone_and_the_others_are_not() -> None:
    ids = MessageIds()
    ids.keys(["x" * 40])
    keys = ids.keys(["y" * 40, "a"])
    ids.forget(keys)
    assert list(ids.texts.values()) == ["x" * 40]
    with pytest.raises(KeyError):
        ids.text(*one(keys, 0))
    assert ids.text(*one(keys, 1)) == "a"


def test_keys_do_not_depend_on_what_is_encoded_beside_them() -> None:
    together = MessageIds().keys(MESSAGE_IDS)
    for i, text in enumerate(MESSAGE_IDS):
        assert one(MessageIds().keys([text]), 0) == one(together, i)


def test_an_id_of_another_token_has_another_key_and_both_read_back() -> None:
    ids, alike = MessageIds(), [text for text in FORMS for _ in range(3)]
    whose = np.array([0, 1, 1 << 63] * len(FORMS), np.uint64)
    keys = ids.keys(alike, whose)
    assert len({one(keys, i)[:2] for i in range(len(alike))}) == len(alike)
    assert [ids.text(*one(keys, i), int(whose[i])) for i in range(len(alike))] == alike
    plain, wanted = plain_keys(keys, whose), MessageIds().keys(alike)
    assert [one(plain, i) for i in range(len(alike))] == [one(wanted, i) for i in range(len(alike))]


def test_no_ids_have_no_keys() -> None:
    assert [len(column) for column in MessageIds().keys([])] == [0, 0, 0]


def test_ids_that_look_alike_have_different_keys() -> None:
    alike = [*MESSAGE_IDS, *FORMS, uuid.UUID(bytes=b"0123456789abcdef").hex, str(uuid.UUID(bytes=b"0123456789abcdef"))]
    distinct = list(dict.fromkeys(alike))
    keys = MessageIds().keys(distinct)
    assert len({one(keys, i)[:2] for i in range(len(distinct))}) == len(distinct)


@pytest.mark.parametrize("pattern", ["{:012d}", "{:04d}-order-event", "{:x}", "45c0ff53-dfe1-4fe2-998c-{:012d}"])
def test_ids_that_share_a_part_differ_in_the_number_that_is_searched(pattern: str) -> None:
    keys = MessageIds().keys([pattern.format(n) for n in range(4096)])
    assert len(set(keys.low.tolist())) == len(set(keys.high.tolist())) == 4096


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256) | IDS))
def test_every_id_reads_back(given_ids: list[str]) -> None:
    ids = MessageIds()
    keys = ids.keys(given_ids)
    assert texts(ids, keys) == given_ids
    assert len({one(keys, i)[:2] for i in range(len(given_ids))}) == len(set(given_ids))
