"""Secrets from files: for each variable that holds a secret there is one that names a file with it.

`NAME_FILE=/run/secrets/name` in place of `NAME=...` keeps the secret out of the environment, which child processes and
whoever inspects a container see.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from streams.config.errors import ConfigError

SUFFIX = "_FILE"


def secret(name: str, environment: Mapping[str, str] | None = None) -> str:
    """The secret that the variable `name` holds, or the file that `name`_FILE names; "" where neither is set.

    Raises:
        ConfigError: both are set, or the file cannot be read or is empty.
    """
    environment = os.environ if environment is None else environment
    given, path = environment.get(name, ""), environment.get(name + SUFFIX, "")
    if not path:
        return given
    if given:
        raise ConfigError(f"{name} and {name}{SUFFIX} are both set; unset one of them")
    try:
        text = Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"{name}{SUFFIX}: cannot read {path}: {reason}; give the path of a file that can be read"
        ) from None
    if not text:
        raise ConfigError(f"{name}{SUFFIX}: {path} is empty; write the secret into it")
    return text


class WithSecretFiles(BaseSettings):
    """Settings whose `secrets`, names of variables, may each be in a file."""

    secrets: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **named: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where values come from: what is given by name, then files of secrets, then the environment."""
        return (named["init_settings"], _Files(settings_cls), named["env_settings"])


class _Files(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Nothing: all of them are found at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The secrets whose files are named."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            alias = field.validation_alias
            prefix = self.settings_cls.model_config.get("env_prefix", "")
            variable = alias if isinstance(alias, str) else f"{prefix}{name.upper()}"
            wanted = variable in getattr(self.settings_cls, "secrets", ())
            if wanted and os.environ.get(variable + SUFFIX):
                found[alias if isinstance(alias, str) else name] = secret(variable)
        return found
