"""Settings: the variables of a worker and of commands, and what their values must be."""

import os
from pathlib import Path
from typing import ClassVar, Literal, TypeVar
from urllib.parse import quote

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams import failpoints
from streams.config.brokers import Brokers, KafkaVariables, servers
from streams.config.errors import ConfigError
from streams.config.secret_files import WithSecretFiles
from streams.config.unknown import unknown
from streams.core.catalogue.parse import Catalogue, duration
from streams.core.events.dead_letter_limit import Limits
from streams.core.journeys import unlisted
from streams.core.parsing.sizes import size
from streams.core.privacy import k_anonymity

MOST_PROCESSES = 4  # more than one worker keeps busy


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


def load() -> Settings:
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
