"""JSON objects of messages, read field by field: what cannot be read costs the field and is noted by its place."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from streams.core.door.canonical import Fault, Rejected

LONGEST_ID = 1024  # bytes; a longer one counts as absent
_MARK = b"\xef\xbb\xbf"
_EMPTY = (b"null", b'""', b"[]")
_INTEGER = re.compile(rb"-?[0-9]+")
_TYPES = {ord("{"): "object", ord("["): "array", ord('"'): "string", ord("t"): "boolean", ord("f"): "boolean",
          ord("n"): "null"}  # fmt: skip
# Each escape of a JSON text in turn, so that a backslash that is itself escaped begins none.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

# RecursionError and UnicodeDecodeError are what msgspec lets through beside its own error.
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_object: Callable[[bytes | Raw], dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw]).decode
_list: Callable[[bytes | Raw], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
_string: Callable[[bytes | Raw], str] = msgspec.json.Decoder(str).decode


def json_type(raw: bytes) -> str:
    """What kind of JSON value it is: object, array, string, number, boolean or null."""
    return _TYPES.get(raw[0], "number") if raw else "nothing"


def message_object(value: bytes) -> dict[str, Raw]:
    """The fields of a message, raw. Raises Rejected where it is no JSON object in UTF-8."""
    text = value.removeprefix(_MARK)
    try:
        text.isascii() or text.decode()
        return _object(text)
    except UNREADABLE as error:
        return _mended(text, error)


def _mended(text: bytes, error: Exception) -> dict[str, Raw]:
    """The fields of an object with halves of surrogate pairs: JavaScript leaves them where it cuts a text short."""
    try:
        text.decode()
        return _object(_ESCAPE.sub(lambda m: rb"\ufffd" if m[1] else m[0], text))
    except UNREADABLE:
        raise Rejected("malformed", _why(text, error)) from None


def _why(text: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    if isinstance(error, RecursionError):
        return "objects in it are nested too deep"
    kind = json_type(text.strip())
    if kind in ("array", "string", "boolean", "null") and "malformed" not in str(error):
        return f"a JSON {kind}; a message is a JSON object"
    return f"not a JSON object: {error}"


class Notes:
    """What was noted while a message was read: fields left out, and how many ids were placeholders."""

    __slots__ = ("faults", "placeholders")

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.placeholders = 0


class Fields:
    """One JSON object at a `place` of a message; its values are raw and read by name."""

    __slots__ = ("notes", "place", "values")

    def __init__(self, values: Mapping[str, Raw], place: str, notes: Notes) -> None:
        self.values, self.place, self.notes = values, place, notes

    def raw(self, name: str) -> bytes | None:
        """The field's JSON text, None where it is absent or null."""
        found = self.values.get(name)
        if found is None or (text := bytes(found)) == b"null":
            return None
        return text

    def fault(self, name: str, raw: bytes | None = None) -> None:
        """Note that a field was left out."""
        found = self.raw(name) if raw is None else raw
        self.notes.faults.append(Fault(self.place + name, json_type(found or b"null")))

    def object(self, name: str) -> "Fields":
        """An object; an empty one where the field is absent, or stands for an empty one as PHP writes it."""
        return Fields(self._members(name), f"{self.place}{name}.", self.notes)

    def _members(self, name: str) -> Mapping[str, Raw]:
        raw = self.raw(name)
        if raw is None or raw in _EMPTY:
            return {}
        try:
            return _object(raw)
        except UNREADABLE:
            if not self._is_empty(raw):
                self.fault(name, raw)
            return {}

    def _is_empty(self, raw: bytes) -> bool:
        try:
            return not (_list(raw) if raw.startswith(b"[") else _string(raw).strip())
        except UNREADABLE:
            return False

    def items(self, name: str) -> list[bytes]:
        """The items of a list, raw; none where the field is absent, empty or no list (which is noted)."""
        raw = self.raw(name)
        if raw is None or raw in _EMPTY:
            return []
        try:
            return [bytes(item) for item in _list(raw)]
        except UNREADABLE:
            self.fault(name, raw)
            return []

    def objects(self, name: str) -> Iterator["Fields"]:
        """The objects of a list; what is none is noted and passed over."""
        for raw in self.items(name):
            try:
                yield Fields(_object(raw), f"{self.place}{name}[].", self.notes)
            except UNREADABLE:
                self.fault(f"{name}[]", raw)

    def id(self, name: str) -> str:
        """An id: a string, trimmed, or an integer's digits; '' where absent, too long or something else."""
        return self._id(name, self.raw(name))

    def ids(self, name: str) -> list[str]:
        """An id, or a list of them; what is none is noted and passed over."""
        raw = self.raw(name)
        if raw is None or not raw.startswith(b"["):
            found = [self._id(name, raw)]
        else:
            found = [self._id(f"{name}[]", item) for item in self.items(name) if item != b"null"]
        return [text for text in found if text]

    def _id(self, name: str, raw: bytes | None) -> str:
        if raw is None:
            return ""
        text = string(raw) if raw.startswith(b'"') else raw.decode() if _INTEGER.fullmatch(raw) else None
        if text is not None and len(text) * 4 > LONGEST_ID and len(text.strip().encode()) > LONGEST_ID:
            text = None
        if text is None:
            self.fault(name, raw)
            return ""
        return text.strip()

    def text(self, name: str) -> str:
        """A text of any length, or a number's text, untrimmed; '' where absent or something else."""
        raw = self.raw(name)
        if raw is None:
            return ""
        text = string(raw) if raw.startswith(b'"') else raw.decode() if json_type(raw) == "number" else None
        if text is None:
            self.fault(name, raw)
        return text or ""


def string(raw: bytes) -> str | None:
    """The text of a JSON string, None where it is none."""
    try:
        return _string(raw)
    except UNREADABLE:
        return None


def scalar(raw: bytes) -> Any:
    """The value of a JSON text as Python has it, None where it cannot be read."""
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None
