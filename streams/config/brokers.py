"""Which Kafka brokers there are, and how they are spoken to: the variables KAFKA_*, named as Kafka's own settings are.

Half a configuration is refused, and nothing is ever sent with less protection than was asked for.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeAlias

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.config.errors import ConfigError
from streams.config.secret_files import WithSecretFiles

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
PASSWORD_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
OAUTHBEARER = "OAUTHBEARER"


@dataclass(frozen=True)
class Security:
    """How brokers are spoken to: one of `PROTOCOLS`, and what it needs.

    `cafile` None means the authorities that the system trusts. The files are PEM; they and `token_file` are read again
    for each connection.
    """

    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    token_file: Path | None = None
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None
    key_password: str = field(default="", repr=False)

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def sasl(self) -> bool:
        """Whether one logs in by name, or with a token."""
        return self.protocol.startswith("SASL")


@dataclass(frozen=True)
class Brokers:
    """Brokers as `host:port`, how they are spoken to, and what goes before the name of each topic there.

    Topics have their plain names everywhere but in Kafka itself: `topic` and `plain` are the way there and back.
    """

    servers: tuple[str, ...]
    security: Security = Security()
    prefix: str = ""

    def topic(self, name: str) -> str:
        """What a topic is called in Kafka."""
        return self.prefix + name

    def plain(self, name: str) -> str:
        """What a topic in Kafka is called here."""
        return name.removeprefix(self.prefix)

    def __str__(self) -> str:
        """Where they are, as Kafka's own commands want it."""
        return ",".join(self.servers)

    @property
    def urls(self) -> str:
        """Where they are, as Faust wants it."""
        return ";".join(self.servers)


Address: TypeAlias = Brokers | str


def brokers_at(address: Address) -> Brokers:
    """The brokers meant: of text (`host:port`, with commas or semicolons) those that are spoken to in plain text."""
    return address if isinstance(address, Brokers) else Brokers(tuple(re.split("[,;]", address)))


class KafkaVariables(WithSecretFiles, BaseSettings):
    """The variables KAFKA_*, as they are set."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", env_ignore_empty=True)
    secrets: ClassVar = frozenset({"KAFKA_SASL_PASSWORD", "KAFKA_SSL_PASSWORD"})

    security_protocol: str = ""
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: str = Field(default="", repr=False)
    sasl_oauth_token_file: Path | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    ssl_password: str = Field(default="", repr=False)

    def security(self) -> Security:
        """What they say. Raises ConfigError where they say half of something, or two things."""
        protocol, mechanism = self.security_protocol.upper(), self.sasl_mechanism.upper()
        found = Security(
            protocol or "PLAINTEXT",
            mechanism,
            self.sasl_username,
            self.sasl_password,
            self.sasl_oauth_token_file,
            self.ssl_cafile,
            self.ssl_certfile,
            self.ssl_keyfile,
            self.ssl_password,
        )
        if fault := next(filter(None, (check(self, found) for check in _CHECKS)), None):
            raise ConfigError(fault)
        return found

    def set_below(self, prefix: str) -> list[str]:
        """Names of variables with that prefix that are set."""
        return sorted(
            f"KAFKA_{name.upper()}"
            for name in type(self).model_fields
            if name.startswith(prefix) and getattr(self, name)
        )


def _protocol(given: KafkaVariables, found: Security) -> str | None:
    if found.protocol not in PROTOCOLS:
        return f"KAFKA_SECURITY_PROTOCOL is {given.security_protocol!r}; it must be one of {', '.join(PROTOCOLS)}"
    for prefix, wanted, used in (("ssl_", "SSL or SASL_SSL", found.tls), ("sasl_", "SASL_SSL", found.sasl)):
        if not used and (names := given.set_below(prefix)):
            state = f"is {found.protocol}" if given.security_protocol else "is not set"
            return f"{names[0]} is set, and KAFKA_SECURITY_PROTOCOL {state}; set it to {wanted}, or unset {names[0]}"
    return None


def _mechanism(given: KafkaVariables, found: Security) -> str | None:
    if found.sasl and found.mechanism not in (*PASSWORD_MECHANISMS, OAUTHBEARER):
        state = f"is {given.sasl_mechanism!r}" if given.sasl_mechanism else "is not set"
        return f"KAFKA_SASL_MECHANISM {state}; it must be one of {', '.join((*PASSWORD_MECHANISMS, OAUTHBEARER))}"
    return None


def _credentials(given: KafkaVariables, found: Security) -> str | None:
    named = ("KAFKA_SASL_USERNAME", found.username), ("KAFKA_SASL_PASSWORD", found.password)
    token = (("KAFKA_SASL_OAUTH_TOKEN_FILE", found.token_file),)
    needed, others = (token, named) if found.mechanism == OAUTHBEARER else (named, token)
    for name, value in needed if found.sasl else ():
        if not value:
            hint = " (or KAFKA_SASL_PASSWORD_FILE)" if name == "KAFKA_SASL_PASSWORD" else ""
            return f"KAFKA_SASL_MECHANISM is {found.mechanism}, and {name} is not set; set it{hint}"
    for name, value in others:
        if value:
            return f"KAFKA_SASL_MECHANISM is {found.mechanism}, which has no use for {name}; unset one of them"
    return None


def _certificate(given: KafkaVariables, found: Security) -> str | None:
    if bool(found.certfile) != bool(found.keyfile):
        have, lacks = ("CERT", "KEY") if found.certfile else ("KEY", "CERT")
        return (
            f"KAFKA_SSL_{have}FILE is set, and KAFKA_SSL_{lacks}FILE is not; set both (they may name one file that has "
            "both)"
        )
    if found.key_password and not found.keyfile:
        return "KAFKA_SSL_PASSWORD is set, and KAFKA_SSL_KEYFILE, the key that it is for, is not; set both"
    return None


def _files(given: KafkaVariables, found: Security) -> str | None:
    files = {
        "KAFKA_SSL_CAFILE": found.cafile,
        "KAFKA_SSL_CERTFILE": found.certfile,
        "KAFKA_SSL_KEYFILE": found.keyfile,
        "KAFKA_SASL_OAUTH_TOKEN_FILE": found.token_file,
    }
    for name, path in files.items():
        try:
            if path:
                path.read_bytes()
        except OSError as error:
            return f"{name}: cannot read {path}: {error.strerror}; give the path of a file that can be read"
    return None


_CHECKS = (_protocol, _mechanism, _credentials, _certificate, _files)


def servers(url: str) -> tuple[str, ...]:
    """The brokers in BROKER_URL as `host:port`. Raises ConfigError, without showing a password."""
    return tuple(_server(part) for part in re.split("[,;]", url))


def _server(url: str) -> str:
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        scheme, rest = "kafka", scheme
    if scheme != "kafka":
        protocol = "SASL_SSL" if "sasl" in scheme.lower() else "SSL"
        raise ConfigError(
            f"BROKER_URL has the scheme {scheme}://, and nothing was sent; set it to kafka://host:port, and for an "
            f"encrypted listener KAFKA_SECURITY_PROTOCOL={protocol} and KAFKA_SSL_CAFILE"
        )
    if "@" in rest:
        raise ConfigError(
            "BROKER_URL has a user name or password; set it to kafka://host:port, and KAFKA_SASL_USERNAME and "
            "KAFKA_SASL_PASSWORD with KAFKA_SECURITY_PROTOCOL=SASL_SSL"
        )
    if not re.fullmatch(r"[^\s/?#]+:\d+", rest):
        raise ConfigError(f"BROKER_URL has {rest!r}, which is not the address of a Kafka broker; it must be host:port")
    return rest
