"""The headers of a dead letter say what they were given, and strangers' headers are told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.core.events.dead_letters import ERROR_CHARS, Failure, decode_headers, encode_headers

FAILURE = Failure("malformed", "not JSON: byte 3", "engagement", 2, 991, 1_790_000_000_123)


def test_headers_are_text_that_people_and_tools_can_read() -> None:
    assert encode_headers(FAILURE) == [
        ("reason", b"malformed"),
        ("error", b"not JSON: byte 3"),
        ("source_topic", b"engagement"),
        ("source_partition", b"2"),
        ("source_offset", b"991"),
        ("failed_at", b"2026-09-21T14:13:20.123Z"),
    ]


def test_decoding_gives_back_what_was_encoded() -> None:
    assert decode_headers(encode_headers(FAILURE)) == FAILURE


def test_headers_of_others_are_kept_out_of_the_way() -> None:
    assert decode_headers([("traceparent", b"00-1"), ("empty", None), *encode_headers(FAILURE)]) == FAILURE


def test_an_error_of_any_length_and_content_fits_a_header() -> None:
    wild = replace(FAILURE, error="\ud800" + "x" * 10_000)
    (error,) = [value for name, value in encode_headers(wild) if name == "error"]
    assert error.startswith(b"\\ud800xxx")
    assert len(error) < ERROR_CHARS + 10


@pytest.mark.parametrize(
    "broken", [{"failed_at": b"soon"}, {"failed_at": b"2026-09-21T14:13:20"}, {"source_offset": b"x"}]
)
def test_headers_that_are_not_ours_are_none(broken: dict[str, bytes]) -> None:
    assert decode_headers(list({**dict(encode_headers(FAILURE)), **broken}.items())) is None
    assert decode_headers([]) is None
