"""Variables that look like ours and are none: misspelt ones, which would be ignored without a word."""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from pydantic_settings import BaseSettings

from streams.config.secret_files import SUFFIX

OURS = ("MAALSTROM_", "KAFKA_SASL_", "KAFKA_SSL_", "KAFKA_SECURITY_")
# Of the collector, which may share an environment with a worker.
COLLECTOR = (
    *(f"MAALSTROM_COLLECT_{name}" for name in ("TOPIC", "ORIGINS", "RATE", "KEYLESS_RATE")),
    "MAALSTROM_WRITE_KEYS",
    *(f"MAALSTROM_WEBHOOK_SECRET_{name}{end}" for name in ("SHOPIFY", "WOOCOMMERCE", "STRIPE") for end in ("", SUFFIX)),
)


def unknown(kinds: Iterable[type[BaseSettings]]) -> Iterator[str]:
    """A line for each variable of the environment that looks like ours, and that no such settings know."""
    known = sorted({*COLLECTOR, *(name for kind in kinds for name in variables(kind))})
    for name in sorted(os.environ):
        if name.startswith(OURS) and name not in known:
            near = get_close_matches(name, known, 1, 0.8)
            yield f"{name} is set, and there is no such variable" + (f"; is {near[0]} meant?" if near else "")


def variables(kind: type[BaseSettings]) -> Iterator[str]:
    """The variables that settings of that kind know."""
    prefix = kind.model_config.get("env_prefix", "")
    for name, field in kind.model_fields.items():
        alias = field.validation_alias
        yield alias if isinstance(alias, str) else f"{prefix}{name.upper()}"
    yield from (name + SUFFIX for name in getattr(kind, "secrets", ()))
