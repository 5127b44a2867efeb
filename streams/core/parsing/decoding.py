"""What is read of one record: bytes in; a value, or a Rejected that says why there is none, out."""

import re
import traceback
from collections.abc import Callable
from itertools import accumulate
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from streams.core.parsing.limits import LIMIT
from streams.core.parsing.units import micro

END_OF_TIME = 2**32 * 1000  # ms: a ClickHouse DateTime holds seconds in 32 bits
DEPTH = 500  # of lists and objects in each other: where msgspec gives up depends on who calls it
_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)


class Rejected(Exception):  # noqa: N818 - the name says what became of the record
    """A record that becomes a dead letter: `reason` is the contract's word, `error` says what is wrong."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(f"{reason}: {error}")
        self.reason, self.error = reason, error


# RecursionError and UnicodeDecodeError are what msgspec lets through beside its own error.
_UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
T = TypeVar("T")


def decoded(decode: Callable[[Any], T], raw: bytes | Raw) -> T:
    """What `decode`, of msgspec, reads in `raw`. Raises Rejected where it cannot."""
    try:
        return decode(raw)
    except _UNDECODABLE as error:
        raise Rejected("malformed", str(error) or type(error).__name__) from None


def sized(raw: bytes | None, key: bytes | None = None) -> bytes:
    """The value of a record that is there, not too long, UTF-8, and not too deep. Raises Rejected for another."""
    if raw is None:
        raise Rejected("malformed", "the record has no value (a tombstone)")
    if len(raw) + len(key or b"") > LIMIT:
        raise Rejected("oversized", f"{len(raw) + len(key or b'')} bytes with its key; at most {LIMIT} are taken")
    if not raw.isascii():
        _utf8(raw)
    if len(raw) > 2 * DEPTH and raw.count(b"[") + raw.count(b"{") > DEPTH and _depth(raw) > DEPTH:
        raise Rejected("malformed", f"lists and objects are nested more than {DEPTH} deep")
    return raw


def _utf8(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise Rejected("malformed", f"byte {error.start} is no UTF-8") from None


def _depth(raw: bytes) -> int:
    """How deep lists and objects lie in each other at the most; brackets in strings do not count."""
    steps = (1 if match[0] in b"[{" else -1 for match in _BRACKET.finditer(raw) if match[0][:1] != b'"')
    return max(accumulate(steps), default=0)


def attempt(decode: Callable[..., T], *arguments: Any) -> T | Rejected:
    """What `decode` returns, or the Rejected that it raised; anything else it raises is `internal`. Never raises."""
    try:
        return decode(*arguments)
    except Rejected as rejected:
        return rejected
    except Exception:
        return Rejected("internal", traceback.format_exc(limit=-3))


def currency_code(name: str, text: str) -> str:
    """An ISO 4217 code in upper case. Raises Rejected that names the field."""
    if not _CURRENCY.fullmatch(text):
        raise Rejected("malformed", f"`{name}` is {text[:20]!r}, not three letters as in ISO 4217")
    return text.upper()


def money(name: str, text: bytes) -> int:
    """Millionths of a JSON number or decimal string. Raises Rejected that names the field."""
    try:
        return micro(msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode())
    except (ValueError, *_UNDECODABLE) as error:
        raise Rejected("malformed", f"`{name}`: {error}") from None
