"""Versions of segments: an older one is read, a newer one and what is none of ours are refused with what to do."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.journal import segment as form
from streams.core.journal.segment import Columns, NewerError, Segment, SegmentError, decode, encode
from tests.support.corpus import CORPUS, facts, read

START = encode(Segment())[:3]


def test_a_newer_version_is_refused_with_what_to_do() -> None:
    raw = b"ms\x02" + encode(Segment())[3:]
    with pytest.raises(NewerError, match=r"a newer maalstrom wrote it \(form 2, .* up to 1\): start that one"):
        decode(raw)


def test_a_field_that_this_version_does_not_know_is_not_read_as_if_it_were_not_there() -> None:
    plain: Any = msgspec.to_builtins(Segment(orders=[]), builtin_types=(bytes,))
    inside: Any = msgspec.to_builtins(Segment(columns=Columns()), builtin_types=(bytes,))
    inside[6] = [*inside[6], b""]
    for fields in ([*plain, 1], inside):
        with pytest.raises(SegmentError, match="damaged, or not ours"):
            decode(START + msgspec.msgpack.encode(fields))


def test_a_field_that_an_older_version_did_not_know_is_as_it_is_by_default() -> None:
    fields: Any = msgspec.to_builtins(Segment(offsets={"a": 1}), builtin_types=(bytes,))
    for known in range(3, len(fields)):
        assert decode(START + msgspec.msgpack.encode(fields[:known])) == Segment(offsets={"a": 1})


@given(st.binary(max_size=80) | st.binary(max_size=80).map(START.__add__))
def test_what_is_none_of_ours_is_refused_and_nothing_else_happens(raw: bytes) -> None:
    with suppress(SegmentError):
        assert isinstance(decode(raw), Segment)


@given(st.data())
def test_a_damaged_segment_is_a_segment_or_refused(data: st.DataObject) -> None:
    values = [raw for _, raw in read(CORPUS[-1])]
    raw = bytearray(data.draw(st.sampled_from(values)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(SegmentError):
        assert isinstance(decode(bytes(raw)), Segment)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_journal_of_every_release_is_read(path: Path) -> None:
    found = msgspec.json.decode(msgspec.json.encode(facts(read(path))))
    assert found == msgspec.json.decode(path.with_suffix(".json").read_bytes())
    assert found["conversions"]


def test_there_is_a_journal_of_this_version() -> None:
    assert any(decode(raw) and raw[2] == form.VERSION for _, raw in read(CORPUS[-1]))
    assert CORPUS[-1].stem == f"form-{form.VERSION}"
