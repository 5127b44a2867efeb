"""Files of events in the forms that people have them in."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.file_forms import FormError, events

EVENTS = [{"messageId": f"e{n}", "text": 'a "quoted" }{][, text\\', "deep": [{"n": [n, {}]}, []]} for n in range(3)]
ONE_LINE = [json.dumps(event).encode() for event in EVENTS]
PRETTY = [json.dumps(event, indent=1).encode() for event in EVENTS]


def blocks(data: bytes, size: int) -> Iterator[tuple[bytes, int]]:
    for start in range(0, len(data), size):
        yield data[start : start + size], len(data[start : start + size])


def read(data: bytes, size: int = 1 << 20) -> list[bytes]:
    """The values of a file, the empty ones among them."""
    return [value for lot, _ in events("e.json", blocks(data, size)) for value in lot]


def found(data: bytes, size: int = 1 << 20) -> list[object]:
    """What the events of a file are as JSON."""
    return [json.loads(value) for value in read(data, size) if value.strip()]


FORMS = {
    "lines": b"\n".join(ONE_LINE) + b"\n",
    "lines of Windows with a mark of byte order": b"\xef\xbb\xbf" + b"\r\n".join(ONE_LINE),
    "an array": b"[" + b", ".join(ONE_LINE) + b"]",
    "an array over lines": json.dumps(EVENTS, indent=2).encode() + b"\n",
    "an array a line": b"[\n" + b",\n".join(ONE_LINE) + b"\n]\n",
    "objects over lines": b"\n".join(PRETTY),
    "UTF-16": "﻿".encode("utf-16-le") + b"\n".join(ONE_LINE).decode().encode("utf-16-le"),
    "UTF-16 the other way": b"\xfe\xff" + b"\n".join(PRETTY).decode().encode("utf-16-be"),
    "UTF-16 without a mark": b"\n".join(ONE_LINE).decode().encode("utf-16-le"),
    "UTF-16 without a mark, the other way": b"\n".join(ONE_LINE).decode().encode("utf-16-be"),
    "objects together": b"".join(ONE_LINE),
    "objects together on lines": ONE_LINE[0] + b" " + ONE_LINE[1] + b"\n" + ONE_LINE[2] + b"\n",
}


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_events_wherever_blocks_end(form: str, size: int) -> None:
    assert found(FORMS[form], size) == EVENTS


def test_an_event_over_several_lines_is_at_the_place_of_its_first() -> None:
    values = read(b"\n".join(PRETTY) + b"\n")
    lines = len(PRETTY[0].split(b"\n"))
    assert [at for at, value in enumerate(values) if value] == [0, lines, 2 * lines]


def test_what_is_between_events_and_what_never_ends_is_one_value_each() -> None:
    assert [v for v in read(b'[{"a": 1}, oops, {"b": 2}, {"c": ') if v] == [b'{"a": 1}', b"oops", b'{"b": 2}', b'{"c":']


@pytest.mark.parametrize("text", ["a,b,c\n1,2,3\n", "a;b\n1;2\n3;4\n", "a\tb\n1\t2\n", '"type","event"\n'])
def test_a_csv_file_is_named(text: str) -> None:
    with pytest.raises(FormError, match=r"e\.json looks like CSV; write one event a line, as JSON"):
        read(text.encode())


def test_half_a_character_is_told() -> None:
    with pytest.raises(FormError, match="neither UTF-8 nor whole UTF-16"):
        read(b"\xff\xfe{\0}\0\0")


def test_an_empty_file_has_no_events() -> None:
    assert found(b"") == found(b" \n\n") == found(b"[]") == []


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=8) | st.integers(), max_size=3), max_size=5),
       st.sampled_from([None, 1, 3]), st.booleans(), st.integers(1, 64))  # fmt: skip
def test_any_list_of_objects_is_read_in_every_form(
    objects: list[dict[str, object]], indent: int | None, listed: bool, size: int
) -> None:
    one = json.dumps(objects, indent=indent, ensure_ascii=False)
    text = one if listed else "\n".join(json.dumps(each, indent=indent, ensure_ascii=False) for each in objects)
    assert found(text.encode("utf-8", "surrogatepass"), size) == objects


@given(st.binary(max_size=200), st.integers(1, 64))
def test_any_bytes_are_read_or_refused_in_words(data: bytes, size: int) -> None:
    with suppress(FormError):
        assert sum(map(len, read(data, size))) <= 3 * len(data)  # in UTF-8 a character of UTF-16 may be longer
