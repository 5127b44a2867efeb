"""Configuration: the only reader of the environment."""

from streams.config.brokers import Brokers
from streams.config.errors import ConfigError
from streams.config.files import catalogue, located, more_topics, sources, text_of
from streams.config.keys import SHORTEST_KEY, token_key, token_key_or_made_up
from streams.config.secret_files import secret
from streams.config.settings import (
    Settings,
    embedded_dsn,
    lateness,
    load,
    read,
    retention,
    unknown_variables,
)
from streams.core.parsing.sizes import size

__all__ = [
    "SHORTEST_KEY",
    "Brokers",
    "ConfigError",
    "Settings",
    "catalogue",
    "embedded_dsn",
    "lateness",
    "load",
    "located",
    "more_topics",
    "read",
    "retention",
    "secret",
    "size",
    "sources",
    "text_of",
    "token_key",
    "token_key_or_made_up",
    "unknown_variables",
]
