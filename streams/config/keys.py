"""The key of tokens: users are known by a hash with it."""

import secrets
from pathlib import Path
from typing import NoReturn

from streams.config.errors import ConfigError

SHORTEST_KEY = 16  # characters


def token_key(given: str) -> bytes:
    """The secret of the token hash. Raises ConfigError when it is missing or short."""
    if len(given) < SHORTEST_KEY:
        _refuse(given)
    return given.encode()


def _refuse(given: str) -> NoReturn:
    state = f"has {len(given)} characters" if given else "is not set"
    raise ConfigError(
        f"MAALSTROM_TOKEN_KEY {state}; set it to a secret of at least {SHORTEST_KEY} characters and keep it: "
        "users are known by a hash with it"
    )


def token_key_or_made_up(given: str, kept: Path | None) -> bytes:
    """The key of tokens; where none is set, that in the file `kept`, made up at first; without a file, a new one."""
    if given:
        return token_key(given)
    text = kept.read_text("utf-8") if kept and kept.exists() else ""
    if len(text) < SHORTEST_KEY:
        text = secrets.token_hex(32)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.touch(mode=0o600)
            kept.write_text(text, "utf-8")
    return text.encode()
