"""Configuration: the only reader of the environment."""

import os
import secrets
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams import fail_points
from streams.core import small_groups
from streams.core.catalogue import Catalogue, CatalogueError, duration, parse
from streams.core.dead_letter_limit import Limits

MOST_PROCESSES = 4  # more than one worker keeps busy
SHORTEST_KEY = 16  # characters of a token key


class ConfigError(Exception):
    """The configuration is not usable; the text says which part, and what to do."""


def embedded_dsn(folder: Path) -> str:
    """The DSN of an embedded database in that folder."""
    return f"chdb://{quote(str(folder.absolute()))}"


def _processes() -> int:
    """As many as there are cores, and none beside the worker's where there is only one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES) if cores > 1 else 0


class Settings(BaseSettings):
    """MAALSTROM_* variables, and Faust's own BROKER_URL, WEB_BIND and WEB_PORT."""

    model_config = SettingsConfigDict(env_prefix="MAALSTROM_", env_ignore_empty=True)

    clickhouse: str = Field(default_factory=lambda: embedded_dsn(Path.cwd() / "maalstrom-data" / "clickhouse"))
    catalogue: Path = Path("catalogue.toml")
    token_key: str = ""
    retention: str = "45d"
    flush_seconds: float = Field(default=1.0, gt=0)
    declare_topics: bool = True  # off where the broker cannot or may not be asked to make topics
    app_id: str = Field(default="maalstrom", pattern=r"^[A-Za-z0-9._-]+$")
    datadir: Path = Path("maalstrom-data")
    broker_url: str = Field(default="kafka://127.0.0.1:9092", validation_alias="BROKER_URL")
    dlq_ratio: float = Field(default=Limits.ratio, ge=0, le=1)
    dlq_consecutive: int = Field(default=Limits.consecutive, ge=0)
    smallest_group: int = Field(default=small_groups.SMALLEST, ge=0)  # users that a campaign is shown by name for
    processes: int = Field(default_factory=_processes, ge=0)  # for ledgers; 0 = none but the worker's
    fail_point: str | None = Field(default=None, pattern=fail_points.PATTERN)  # for tests
    web_bind: str = Field(default="127.0.0.1", validation_alias="WEB_BIND")
    web_port: int = Field(default=6066, validation_alias="WEB_PORT", ge=1, le=65535)

    @field_validator("retention")
    @classmethod
    def _is_duration(cls, text: str) -> str:
        duration(text)
        return text

    @property
    def dead_letter_limits(self) -> Limits:
        """When too many dead letters stop the worker."""
        return Limits(self.dlq_ratio, self.dlq_consecutive)

    @property
    def bootstrap(self) -> str:
        """host:port of the broker (several with `;`), without a scheme."""
        return self.broker_url.replace(",", ";").split("://", 1)[-1]


def settings() -> Settings:
    """What the environment says. Raises ConfigError naming the variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"MAALSTROM_{name.upper()}"
        raise ConfigError(f"{variable} is {first['input']!r}: {first['msg']}; set it right or unset it") from None


def catalogue(path: Path) -> Catalogue:
    """The catalogue in that file. Raises ConfigError with the file, the line and what is wrong."""
    try:
        return parse(path.read_text("utf-8"), str(path))
    except CatalogueError as error:
        raise ConfigError(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"cannot read the catalogue {path}: {reason}; name another file") from None


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
    """The same; where none is set, the one in the file `kept`, made up the first time. Without a file, a new one."""
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


def retention(chosen: Settings, goals: Catalogue) -> int:
    """How far back events are taken, ms. Raises ConfigError when a goal's window is as long."""
    ms = duration(chosen.retention)
    if ms <= goals.longest_window:
        days = goals.longest_window / 86_400_000
        raise ConfigError(
            f"MAALSTROM_RETENTION is {chosen.retention}, and a goal has a window of {days:g} days; it must be longer"
        )
    return ms
