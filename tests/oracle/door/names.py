"""Names as people write them: when two of them are one, and which of them are nobody's.

Chosen where the contract is silent: white space is what Python calls so, U+001C to U+001F too; in a run of %XX each
byte that is no UTF-8 stays by itself; a referrer without a scheme has no host.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

PLACEHOLDERS = {
    *("null", "undefined", "none", "nan", "nil", "anonymous", "guest", "unknown", "test", "n/a", "(none)", "(not set)"),
    *("not set", "not_set", "[object object]", "0", "-1", "00000000-0000-0000-0000-000000000000"),
}
NO_CAMPAIGN = frozenset({"(none)", "(direct)", "(organic)", "(referral)"})
_ESCAPES = re.compile("(?:%[0-9A-Fa-f]{2})+")


def name(text: str) -> str:
    """What names are compared by, and called where no catalogue lists them."""
    return _normal(text, "")


def event_name(text: str) -> str:
    """What names of events are compared by."""
    return _normal(text, "_-")


@lru_cache(100_000)
def _normal(text: str, spaces: str) -> str:
    text = _ESCAPES.sub(_unescaped, text.replace("+", " "))
    text = unicodedata.normalize("NFC", text)
    text = "".join(_visible(character) for character in text)
    for space in spaces:
        text = text.replace(space, " ")
    text = " ".join(text.split())
    return unicodedata.normalize("NFC", text.casefold())[:200]


def _visible(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf"):
        return character
    return " " if character.isspace() else ""


def _unescaped(match: re.Match[str]) -> str:
    """The text of a run of %XX; a byte that is no UTF-8 stays as it is written."""
    written = match[0]
    data = bytes.fromhex(written.replace("%", ""))
    text, at = "", 0
    while at < len(data):
        length = next((n for n in (1, 2, 3, 4) if _is_utf8(data[at : at + n])), 0)
        text += data[at : at + length].decode() if length else written[3 * at : 3 * at + 3]
        at += length or 1
    return text


def _is_utf8(data: bytes) -> bool:
    """Whether these bytes are one character."""
    try:
        return len(data.decode()) == 1
    except UnicodeDecodeError:
        return False


def is_placeholder(text: str, more: Iterable[str] = ()) -> bool:
    """Whether an id is nobody's; `more` are those of `sources.toml`."""
    word = text.strip().casefold()
    return word in PLACEHOLDERS or word in {placeholder.strip().casefold() for placeholder in more}


def fits(pattern: str, text: str) -> bool:
    """Whether a host or name is what a pattern says; `*` at one end stands for one or more characters."""
    if pattern.startswith("*"):
        return text.endswith(pattern[1:]) and len(text) > len(pattern) - 1
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1]) and len(text) > len(pattern) - 1
    return text == pattern


def host(text: str) -> str:
    """A host as it is compared: a leading `www.` is passed over."""
    return text.strip().casefold().removeprefix("www.")


def host_of(url: str) -> str:
    """The host of a whole URL, '' where it has none."""
    match = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#\\]*)", url.strip())
    return host(match[1].rpartition("@")[2].partition(":")[0]) if match else ""
