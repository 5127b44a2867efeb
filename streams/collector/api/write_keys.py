"""Write keys: who may send events, and which of them are kept by a server."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from streams import config

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[!-~]{8,256}")
_KINDS = ("browser", "server")


class WriteKey(NamedTuple):
    """Whose key it is. A browser's is public; only a `server`'s may change orders and join people."""

    name: str
    server: bool


WriteKeys = Mapping[str, WriteKey]


def read(path: Path | None) -> WriteKeys:
    """The keys of a file, none without one. Raises ConfigError with the file and the line."""
    return parse(config.text_of(path, "write keys"), str(path)) if path else {}


def parse(text: str, source: str) -> WriteKeys:
    """The keys of lines `name key [browser|server]`; `#` begins a line that says nothing. Raises ConfigError."""
    found: dict[str, WriteKey] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            _add(found, words, f"{source}:{number}")
    return found


def _add(found: dict[str, WriteKey], words: list[str], place: str) -> None:
    name, key, kind = (*words, "browser")[:3] if len(words) == 2 else (*words, "", "")[:3]
    if len(words) not in (2, 3) or not _NAME.fullmatch(name) or kind not in _KINDS:
        raise config.ConfigError(f"{place}: this is no write key; write `name key`, then `browser` or `server`")
    if not _KEY.fullmatch(key) or ":" in key:
        raise config.ConfigError(f"{place}: the key of {name} is no key; use 8 to 256 letters and digits")
    if key in found or name in {each.name for each in found.values()}:
        raise config.ConfigError(f"{place}: {name}, or its key, stands here twice; give each a key of its own")
    found[key] = WriteKey(name, kind == "server")
