"""What the environment says to the collector."""

import re
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from streams import config

_TOPIC = r"^[A-Za-z0-9._-]{1,249}$"
_DOMAIN = r"^(\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)?$"
_PUBLIC = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.\-\[\]:]+|[a-z][a-z0-9+.-]*://[A-Za-z0-9.\-]+")


class CollectorSettings(config.Settings):
    """COLLECT_* and MAALSTROM_* variables of the collector, beside those of the worker."""

    secrets: ClassVar = config.Settings.secrets | {
        f"MAALSTROM_WEBHOOK_SECRET_{name}" for name in ("SHOPIFY", "WOOCOMMERCE", "STRIPE")
    }

    collect_bind: str = Field(default="127.0.0.1", validation_alias="COLLECT_BIND")
    collect_port: int = Field(default=8080, validation_alias="COLLECT_PORT", ge=1, le=65535)
    collect_topic: str = Field(default="events", pattern=_TOPIC)
    collect_origins: str = ""  # of pages that may send events, with commas
    collect_cookie_domain: str = Field(default="", validation_alias="COLLECT_COOKIE_DOMAIN", pattern=_DOMAIN)

    collect_public_url: str = Field(default="", validation_alias="COLLECT_PUBLIC_URL")  # what QR codes lead to

    write_keys: Path | None = None  # a file of lines `name key [browser|server]`
    collect_rate: int = Field(default=20_000, ge=0)  # events a second of a write key; 0 = no limit
    collect_keyless_rate: int = Field(default=1_000, ge=0)  # requests a second without a key; 0 = no limit
    webhook_secret_shopify: str = Field(default="", repr=False)
    webhook_secret_woocommerce: str = Field(default="", repr=False)
    webhook_secret_stripe: str = Field(default="", repr=False)

    @field_validator("collect_origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        for origin in _split(text):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write such as https://shop.example, several with commas")
        return text

    @property
    def origins(self) -> frozenset[str]:
        """The origins of pages that may send events, in lower case; `*` among them where any may."""
        return frozenset(origin.casefold() for origin in _split(self.collect_origins))

    @property
    def public_url(self) -> str:
        """Where people reach the collector. Raises ConfigError where that is not said, or no address to print."""
        said, remedy = self.collect_public_url.strip(), "set it to where people reach it: https://go.shop.example"
        if not said:
            raise config.ConfigError(f"COLLECT_PUBLIC_URL is not set, and QR codes lead to the collector; {remedy}")
        if not _PUBLIC.fullmatch(said):
            raise config.ConfigError(f"COLLECT_PUBLIC_URL is {said!r}, which is no address to print; {remedy}")
        return said.rstrip("/")


def _split(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]
