"""Configuration: the only reader of the environment."""

import os
import secrets
from pathlib import Path
from typing import ClassVar, Literal, NoReturn, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams import failpoints
from streams.config.brokers import Brokers, KafkaVariables, servers
from streams.config.errors import ConfigError
from streams.config.secret_files import WithSecretFiles, secret
from streams.config.unknown import unknown
from streams.core.catalogue.parse import Catalogue, CatalogueError, duration, parse
from streams.core.door import sources_toml
from streams.core.door.sources_toml import Sources
from streams.core.events.dead_letter_limit import Limits
from streams.core.journeys import unlisted
from streams.core.parsing.sizes import size
from streams.core.parsing.toml import line_of
from streams.core.privacy import k_anonymity

MOST_PROCESSES = 4  # more than one worker keeps busy
SHORTEST_KEY = 16  # characters of a token key
__all__ = ["Brokers", "ConfigError", "Settings", "secret", "settings", "size"]


def embedded_dsn(folder: Path) -> str:
    """The DSN of an embedded database in that folder."""
    return f"chdb://{quote(str(folder.absolute()))}"


def _processes() -> int:
    """As many as there are cores, and none beside the worker's where there is only one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES) if cores > 1 else 0


class Settings(WithSecretFiles, BaseSettings):
    """MAALSTROM_* variables, and Faust's own BROKER_URL, WEB_BIND and WEB_PORT."""

    model_config = SettingsConfigDict(env_prefix="MAALSTROM_", env_ignore_empty=True)
    secrets: ClassVar = frozenset({"MAALSTROM_TOKEN_KEY", "MAALSTROM_CLICKHOUSE"})

    clickhouse: str = Field(default_factory=lambda: embedded_dsn(Path.cwd() / "maalstrom-data" / "clickhouse"))
    catalogue: Path = Path("catalogue.toml")
    sources: Path | None = None
    token_key: str = Field(default="", repr=False)
    retention: str = "45d"
    lateness: str = ""  # of completions, touches and links; as the retention where it is not set
    state_memory: str = "512MiB"  # for touches; what is more goes to files in the data folder
    flush_seconds: float = Field(default=1.0, gt=0)
    declare_topics: bool = True  # off where the broker cannot or may not be asked to make topics
    app_id: str = Field(default="maalstrom", pattern=r"^[A-Za-z0-9._-]+$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    topic_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,100}$")  # of every topic, and of the group
    datadir: Path = Path("maalstrom-data")
    broker_url: str = Field(default="kafka://127.0.0.1:9092", validation_alias="BROKER_URL")
    broker_credentials: str = Field(default="", validation_alias="BROKER_CREDENTIALS", repr=False)  # Faust's; refused
    replication: int | None = Field(default=None, ge=1)  # of topics that are made; default: the broker's
    dlq_ratio: float = Field(default=Limits.ratio, ge=0, le=1)
    dlq_consecutive: int = Field(default=Limits.consecutive, ge=0)
    smallest_group: int = Field(default=k_anonymity.SMALLEST, ge=0)  # users that a campaign is shown by name for
    campaigns: int = Field(default=unlisted.MOST, ge=0)  # not listed ones a day and partition
    processes: int = Field(default_factory=_processes, ge=0)  # for ledgers; 0 = none but the worker's
    fail_point: str | None = Field(default=None, pattern=failpoints.PATTERN)  # for tests
    web_bind: str = Field(default="127.0.0.1", validation_alias="WEB_BIND")
    web_port: int = Field(default=6066, validation_alias="WEB_PORT", ge=1, le=65535)
    page_users: Path | None = None  # a file: a line name:hash[:role] for each who may look
    page_proxy: str = ""  # addresses of proxies before the page; without users, they say who looks
    page_proxy_header: str = Field(default="X-Forwarded-User", pattern=r"^[A-Za-z0-9-]+$")
    page_operators: str = ""  # of those whom the proxy names, who sees all; with commas
    page_url: str = Field(default="", pattern=r"^(https?://[^/\s?#@]+/?)?$")  # where people open the page
    web_hosts: str = ""  # names by which the web port may be asked, with commas, beside those that are ours anyway

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, text: str) -> str:
        return text.upper()

    @field_validator("retention", "lateness")
    @classmethod
    def _is_duration(cls, text: str) -> str:
        if text:
            duration(text)
        return text

    @field_validator("state_memory")
    @classmethod
    def _is_size(cls, text: str) -> str:
        size(text)
        return text

    @property
    def dead_letter_limits(self) -> Limits:
        """When too many dead letters stop the worker."""
        return Limits(self.dlq_ratio, self.dlq_consecutive)

    @property
    def bootstrap(self) -> Brokers:
        """The brokers, and how they are spoken to. Raises ConfigError where that is not said, or only half of it."""
        if self.broker_credentials:
            raise ConfigError(
                "BROKER_CREDENTIALS is set, which is not used; unset it, and set KAFKA_SECURITY_PROTOCOL, "
                "KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        return Brokers(servers(self.broker_url), KafkaVariables().security(), self.topic_prefix)

    @property
    def group(self) -> str:
        """The consumer group, which the journal's topic is named after."""
        return self.topic_prefix + self.app_id


Kind = TypeVar("Kind", bound=Settings)


def settings() -> Settings:
    """What the environment says. Raises ConfigError naming the variable."""
    return read(Settings)


def read(kind: type[Kind]) -> Kind:
    """Settings of that kind, as the environment says. Raises ConfigError naming the variable."""
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"MAALSTROM_{name.upper()}"
        value = "not usable" if variable in kind.secrets else repr(first["input"])
        raise ConfigError(f"{variable} is {value}: {_said(first['msg'])}; set it right or unset it") from None


def _said(message: str) -> str:
    """What pydantic says of a value, in our words."""
    text = message.removeprefix("Value error, ").partition(", unable to ")[0]
    text = text.replace("Input should be", "it must be").replace("String should match pattern", "it must match")
    return text.replace("a valid ", "a ").replace("a integer", "an integer")


def unknown_variables() -> list[str]:
    """What is set, looks like a variable of ours and is none: a line each."""
    return list(unknown((Settings, KafkaVariables)))


def catalogue(path: Path) -> Catalogue:
    """The catalogue in that file. Raises ConfigError with the file, the line and what is wrong."""
    text = text_of(path, "catalogue")
    try:
        return located(parse(text, str(path)), text, str(path))
    except CatalogueError as error:
        raise ConfigError(str(error)) from None


def text_of(path: Path, what: str) -> str:
    """The text of a file of settings, without a byte-order mark. Raises ConfigError."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"cannot read the {what} {path}: {reason}; give the path of a file that can be read"
        ) from None


def located(goals: Catalogue, text: str, source: str) -> Catalogue:
    """The catalogue, whose time zone this machine knows. Raises CatalogueError with the line where it does not."""
    try:
        if goals.timezone != "UTC":  # known without a database
            ZoneInfo(goals.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        line, what = line_of(text, ("timezone",)), f'there is no time zone "{goals.timezone}"'
        remedy = 'write a name of the tz database, such as "Europe/Oslo"'
        raise CatalogueError(f"{source}:{line}: {what}; {remedy}", ("timezone",), what, line) from None
    return goals


def sources(path: Path | None) -> Sources:
    """What that file says of sources; without one what is built in. Raises ConfigError with the file, the line and what
    is wrong."""
    if path is None:
        return Sources()
    try:
        return sources_toml.parse(text_of(path, "sources"), str(path))
    except CatalogueError as error:
        raise ConfigError(str(error)) from None


def more_topics(chosen: Settings) -> tuple[str, ...]:
    """The topics that `sources.toml` adds to those that are always there. Raises ConfigError."""
    return sources(chosen.sources).more


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


def lateness(chosen: Settings) -> int | None:
    """How late a completion, a touch or a link may come, ms; None = as the retention. Raises ConfigError when it is
    longer than that."""
    if not chosen.lateness:
        return None
    ms = duration(chosen.lateness)
    if ms > duration(chosen.retention):
        raise ConfigError(
            f"MAALSTROM_LATENESS is {chosen.lateness}, and MAALSTROM_RETENTION {chosen.retention}; it can be no longer"
        )
    return ms


def retention(chosen: Settings, goals: Catalogue) -> int:
    """How far back events are taken, ms. Raises ConfigError when a goal's window is as long."""
    ms = duration(chosen.retention)
    if ms <= goals.longest_window:
        days = goals.longest_window / 86_400_000
        raise ConfigError(
            f"MAALSTROM_RETENTION is {chosen.retention}, and a goal has a window of {days:g} days; it must be longer"
        )
    return ms
